import { nodeVersionProblem } from "./node-version.ts";

// Loaded with `node --import @armspan/register`. Nothing else may be imported statically: on an older Node the
// OpenTelemetry packages do not even parse, and the application must run all the same.
const { ARMSPAN_DOCTOR, ARMSPAN_DOCTOR_LOOKS_ON } = process.env;
// `armspan doctor` looks on: before everything else, so that every module is seen.
const diagnosis =
	ARMSPAN_DOCTOR !== undefined ? (await import("./diagnosis.ts")).beginDiagnosis(ARMSPAN_DOCTOR) : undefined;
const problem = nodeVersionProblem(process.version);
if (problem === undefined) {
	try {
		if (diagnosis !== undefined && ARMSPAN_DOCTOR_LOOKS_ON !== undefined) {
			(await import("./look-on.ts")).lookOn(diagnosis);
		} else {
			const { start } = await import("./start.ts");
			await start(diagnosis);
		}
	} catch (error) {
		diagnosis?.failed(`not started: ${String(error)}`);
		process.stderr.write(`[armspan] not started, the application runs without telemetry: ${String(error)}\n`);
	}
} else {
	diagnosis?.failed(problem);
	process.stderr.write(`[armspan] ${problem}\n`);
}
