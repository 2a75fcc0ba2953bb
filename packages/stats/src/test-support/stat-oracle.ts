import { readFileSync } from "node:fs";

interface StatOracle {
	readonly id: string;
	readonly source: string;
	// Every oracle has a shape of its own; the test that names it knows which.
	// biome-ignore lint/suspicious/noExplicitAny: see above
	readonly inputs: any;
	// biome-ignore lint/suspicious/noExplicitAny: see above
	readonly expected: any;
	// biome-ignore lint/suspicious/noExplicitAny: see above
	readonly tolerance: any;
}

const oracles: readonly StatOracle[] = JSON.parse(
	readFileSync(new URL("../../fixtures/stat-oracles.json", import.meta.url), "utf8"),
);

/** Published numbers by name, from fixtures/stat-oracles.json. */
export function statOracle(id: string): StatOracle {
	const oracle = oracles.find((candidate) => candidate.id === id);
	if (oracle === undefined) throw new Error(`no oracle "${id}" in fixtures/stat-oracles.json`);
	return oracle;
}
