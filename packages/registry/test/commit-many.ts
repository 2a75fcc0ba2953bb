// A process of its own: argv = directory, number of commits. Each raises plannedUnits by one.
import { openRegistry } from "../src/index.ts";

const [directory = "", commits = "0"] = process.argv.slice(2);
const registry = await openRegistry(directory);
for (let i = 0; i < Number(commits); i++) {
	await registry.changeExperiment(
		"support-tone",
		(document) => document.set("plannedUnits", Number(document.get("plannedUnits")) + 1),
		{ message: `Raise plannedUnits (${process.pid})` },
	);
}
