import type { RollbackRecord } from "@armspan/schema";
import type { RouterErrorCode } from "../errors.ts";

export interface RoutingIdentity {
	readonly revision: number;
	/** sha256 of the bytes of `routing.json`. */
	readonly routingDigest: string;
}

export interface Refusal {
	readonly code: RouterErrorCode;
	readonly fix: string;
}

/** A record, or why there is one that cannot be trusted; such a record has no say. */
export type Rollback = RollbackRecord | Refusal | undefined;

/**
 * Whether a reader that holds `current` may take `next`: it is newer, or a person said that readers go back to it.
 * While a record lies there, what it went back from is not taken again. A record that cannot be trusted never keeps a
 * newer revision out, since that may be a halt.
 */
export function revisionRefusal(
	next: RoutingIdentity,
	current: RoutingIdentity | undefined,
	rollback: Rollback,
): Refusal | undefined {
	if (next.routingDigest === current?.routingDigest) return undefined;
	const record = rollback !== undefined && "toRevision" in rollback ? rollback : undefined;
	if (record !== undefined && next.revision <= record.fromRevision) {
		if (next.revision !== record.toRevision || next.routingDigest !== record.routingDigest) {
			return {
				code: "REVISION_ROLLED_BACK",
				fix: `revision ${next.revision} was gone back from, or is not the one named: rollback.json says ${record.toRevision} (${record.routingDigest.slice(0, 12)}); publish above ${record.fromRevision}`,
			};
		}
		if (current === undefined || current.revision <= record.fromRevision) return undefined;
	}
	if (current === undefined || next.revision > current.revision) return undefined;
	if (rollback !== undefined && "code" in rollback) return rollback;
	return {
		code: "REVISION_NOT_HIGHER",
		fix: `revision ${next.revision} is not above ${current.revision}, which is in use; to go back, compile with a higher one, or write a rollback.json`,
	};
}
