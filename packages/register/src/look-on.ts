import { findApplication } from "./application.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { armspanInstance, diagnosisFacts } from "./diagnosis-facts.ts";
import { selfCheck } from "./self-check.ts";
import { readSettings } from "./settings.ts";

/** Sets up nothing: the application does it, and `armspan doctor` judges what it does. */
export function lookOn(diagnosis: Diagnosis): void {
	const settings = readSettings(process.env);
	const warning = settings.selfCheck ? selfCheck(findApplication(process.argv[1], process.cwd())) : undefined;
	const before = armspanInstance();
	diagnosis.started(() => diagnosisFacts(settings, warning, before), true);
}
