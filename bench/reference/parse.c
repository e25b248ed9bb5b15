/*
 * The reference of the benchmark: tree-sitter's C library parses every file named on standard input (one a line) and does
 * nothing else. Reading is included; it is small beside parsing. Prints files, bytes and nodes with errors as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_c(void);

int main(void)
{
	TSParser *parser = ts_parser_new();
	char path[4096];
	char *text = NULL;
	size_t room = 0;
	unsigned long files = 0, bytes = 0, broken = 0;

	if (!ts_parser_set_language(parser, tree_sitter_c())) {
		fprintf(stderr, "the grammar does not fit the library\n");
		return 2;
	}
	while (fgets(path, sizeof(path), stdin)) {
		size_t length;
		FILE *file;
		TSTree *tree;

		path[strcspn(path, "\n")] = '\0';
		file = fopen(path, "rb");
		if (!file) {
			perror(path);
			return 2;
		}
		fseek(file, 0, SEEK_END);
		length = (size_t)ftell(file);
		rewind(file);
		if (length > room) {
			room = length * 2;
			text = realloc(text, room);
			if (!text)
				return 2;
		}
		length = fread(text, 1, length, file);
		fclose(file);
		tree = ts_parser_parse_string(parser, NULL, text, (uint32_t)length);
		if (!tree)
			return 2;
		if (ts_node_has_error(ts_tree_root_node(tree)))
			broken++;
		ts_tree_delete(tree);
		files++;
		bytes += length;
	}
	printf("{\"files\":%lu,\"bytes\":%lu,\"filesWithErrors\":%lu}\n", files, bytes, broken);
	return 0;
}
