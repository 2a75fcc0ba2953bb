import { nodeVersionProblem } from "./node-version.ts";

// Loaded with `node --import @armspan/register`. Nothing else may be imported statically: on an older Node the
// OpenTelemetry packages do not even parse, and the application must run all the same.
const problem = nodeVersionProblem(process.version);
if (problem === undefined) {
	try {
		const { start } = await import("./start.ts");
		await start();
	} catch (error) {
		process.stderr.write(`[armspan] not started, the application runs without telemetry: ${String(error)}\n`);
	}
} else {
	process.stderr.write(`[armspan] ${problem}\n`);
}
