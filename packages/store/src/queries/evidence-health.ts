import { sqlFile } from "../sql-file.ts";
import type { EvidenceHealth, EvidenceHealthKey } from "../store.ts";
import type { Query } from "./query.ts";

const ROWS = sqlFile("queries", "evidence-health.sql");
const IMPOSSIBLE = sqlFile("queries", "impossible-evidence.sql");

interface Part {
	source: EvidenceHealth["source"];
	environment: string;
}

export async function evidenceHealth(query: Query, key: EvidenceHealthKey): Promise<EvidenceHealth[]> {
	const { experiment, iteration, environment = "", sources = ["calls", "exposures", "evaluations"] } = key;
	const parameters = { experiment, iteration, environment };
	const impossible = await query<Part & { quarantined: string; undated: string }>(IMPOSSIBLE, {
		...parameters,
		sources,
	});
	const quarantined = new Set(impossible.filter((part) => part.quarantined !== "0").map(({ source }) => source));
	const counted = key.onlyQuarantined === true ? sources.filter((source) => quarantined.has(source)) : sources;
	if (counted.length === 0) return [];
	// Asked after it, so that of rows that arrive meanwhile none is impossible and not counted.
	const rows = await query<Part & { rows: string }>(ROWS, { ...parameters, sources: counted });
	return rows.map((part) => {
		const found = impossible.find((one) => one.source === part.source && one.environment === part.environment);
		return {
			...{ source: part.source, environment: part.environment, rows: Number(part.rows) },
			...{ quarantined: Number(found?.quarantined ?? 0), undated: Number(found?.undated ?? 0) },
		};
	});
}
