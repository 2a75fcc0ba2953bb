import { sqlFile } from "../sql-file.ts";
import type { EvidenceHealth, EvidenceHealthKey } from "../store.ts";
import type { Query } from "./query.ts";

const SQL = sqlFile("queries", "evidence-health.sql");

interface Row {
	source: EvidenceHealth["source"];
	environment: string;
	rows: string;
	quarantined: string;
	undated: string;
}

export async function evidenceHealth(query: Query, key: EvidenceHealthKey): Promise<EvidenceHealth[]> {
	const rows = await query<Row>(SQL, {
		experiment: key.experiment,
		iteration: key.iteration,
		environment: key.environment ?? "",
		sources: key.sources ?? ["calls", "exposures", "evaluations"],
	});
	return rows.map((row) => ({
		...{ source: row.source, environment: row.environment },
		...{ rows: Number(row.rows), quarantined: Number(row.quarantined), undated: Number(row.undated) },
	}));
}
