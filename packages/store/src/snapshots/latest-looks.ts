import type { Query } from "../queries/query.ts";
import { sqlFile } from "../sql-file.ts";
import type { IterationKey } from "../store.ts";
import type { WrittenLook } from "./snapshot.ts";

const SQL = sqlFile("queries", "latest-looks.sql");

export async function latestLooks(query: Query, key: Required<IterationKey> & { until: Date }): Promise<WrittenLook[]> {
	const rows = await query<{ look_at_ms: string; is_final: 0 | 1 }>(SQL, {
		experiment: key.experiment,
		iteration: key.iteration,
		environment: key.environment,
		until_ms: String(key.until.getTime()),
	});
	return rows.map(({ look_at_ms, is_final }) => ({
		lookAt: new Date(Number(look_at_ms)),
		kind: is_final === 1 ? "final" : "look",
	}));
}
