/** The --jobs option. */
import { type Command, InvalidArgumentError } from "commander";
import { defaultJobs } from "../host/pool.js";

const MAX_JOBS = 256;

function parseJobs(value: string): number {
  const jobs = Number(value);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > MAX_JOBS) {
    throw new InvalidArgumentError(`a whole number from 1 to ${MAX_JOBS} is needed.`);
  }
  return jobs;
}

export const addJobs = (command: Command): Command =>
  command.option("--jobs <N>", "worker threads; results do not depend on it", parseJobs, defaultJobs());
