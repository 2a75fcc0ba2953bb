import fc from "fast-check";
import { beforeEach } from "vitest";

// A mutant is dead with the first counterexample; shrinking it would take longer than finding it.
fc.configureGlobal({ endOnFailure: true });

// Simulations of whole streams, which would be repeated for thousands of mutants; a mutant that only they would notice
// counts as survived.
const SIMULATIONS =
	/\b(keeps its error rate|raises false alarms|errs at|errs as often|alarms at most|covers|loses nothing over|claims a wrong arm|sees treatment become|sees a rate of|spends at most alpha on all starts|looked at after every unit)\b/;

beforeEach(({ task, skip }) => {
	skip(SIMULATIONS.test(task.name), "A simulation.");
});
