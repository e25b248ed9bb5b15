/*
 * `measure FILE COMMAND…`: runs a command and writes what it cost to FILE as JSON: seconds of user and system CPU time of it
 * and all it waited for, wall time, and peak resident memory. Exits as the command did.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct timespec began, ended;
	struct rusage used;
	int status;
	pid_t child;
	FILE *out;

	if (argc < 3)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &began);
	child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &used) < 0)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &ended);
	out = fopen(argv[1], "w");
	if (!out)
		return 2;
	fprintf(out, "{\"user\":%.3f,\"system\":%.3f,\"wall\":%.3f,\"peakMb\":%.1f}\n", seconds(used.ru_utime),
		seconds(used.ru_stime),
		(double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9,
		(double)used.ru_maxrss / 1024);
	fclose(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
