// Writes a bundle and kills this process at a given step, as a power failure or the OOM killer would.
import { writeSteps } from "../adapters/write-bundle.ts";
import { compileBundle } from "../compile-bundle.ts";
import { sampleInput } from "./sample-input.ts";

const [directory = "", revision = "", until = ""] = process.argv.slice(2);
for await (const step of writeSteps(directory, compileBundle(sampleInput({ revision: Number(revision) })))) {
	if (step === until) process.kill(process.pid, "SIGKILL");
}
