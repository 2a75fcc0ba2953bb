import type { QueryParameters } from "../connection.ts";
import { OPEN_US } from "../metrics/evidence-sql.ts";

/** Runs a query on the analysis connection. */
export type Query = <Row>(sql: string, parameters: QueryParameters) => Promise<Row[]>;

/** `untilRevision`, or more than any revision. */
export function untilRevisionParameter(untilRevision: number | undefined): string {
	return untilRevision === undefined ? "18446744073709551615" : String(untilRevision);
}

/** `closedAt` in microseconds as text, or the end of time. */
export function closedParameter(closedAt: Date | undefined): string {
	return closedAt === undefined ? OPEN_US : microsOfDate(closedAt);
}

/** Microseconds as text, or null, to a Date; the microseconds are cut off. */
export function dateOfMicros(micros: string | null | undefined): Date | null {
	return micros === null || micros === undefined ? null : new Date(Math.floor(Number(micros) / 1000));
}

/** Microseconds since 1970 as text. */
export function microsOfDate(date: Date): string {
	return String(BigInt(date.getTime()) * 1000n);
}
