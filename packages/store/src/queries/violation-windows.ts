import { sqlFile } from "../sql-file.ts";
import type { EvidenceKey, ViolationWindows } from "../store.ts";
import { closedParameter, microsOfDate, type Query, untilRevisionParameter } from "./query.ts";

const SQL = sqlFile("queries", "violation-windows.sql");

interface Row {
	variant: string;
	by_window: [(string | number)[], (string | number)[]];
}

export async function violationWindows(
	query: Query,
	key: EvidenceKey & { origin: Date; windowSeconds: number },
): Promise<ViolationWindows[]> {
	const rows = await query<Row>(SQL, {
		experiment: key.experiment,
		iteration: key.iteration,
		environment: key.environment ?? "",
		until_revision: untilRevisionParameter(key.untilRevision),
		closed_us: closedParameter(key.closedAt),
		origin_us: microsOfDate(key.origin),
		window_us: String(Math.round(key.windowSeconds * 1_000_000)),
	});
	return rows.map(({ variant, by_window: [windows, counts] }) => ({
		variant,
		windows: windows.map((window, index) => ({ window: Number(window), units: Number(counts[index]) })),
	}));
}
