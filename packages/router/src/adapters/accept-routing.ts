import type { KeyObject } from "node:crypto";
import { RollbackRecord, type RoutingFile } from "@armspan/schema";
import { RoutingTable } from "../routing-table.ts";
import { bundleError } from "./bundle-file.ts";
import { shapeProblemSteps } from "./json-shape.ts";
import { type Rollback, type RoutingIdentity, revisionRefusal } from "./revision-rule.ts";
import { isSigned } from "./routing-signature.ts";
import { sha256 } from "./sha256.ts";

/** The bytes of `routing.json` and what lies beside it. */
export interface RoutingBytes {
	/** File or address, for messages. */
	readonly origin: string;
	readonly routing: Uint8Array;
	/** `routing.json.sig` */
	readonly signature?: Uint8Array | undefined;
	/** `rollback.json` */
	readonly rollback?: Uint8Array | undefined;
	/** `rollback.json.sig` */
	readonly rollbackSignature?: Uint8Array | undefined;
}

/** A routing file that passed every check but that of its prompt files. */
export interface CheckedRouting {
	readonly table: RoutingTable;
	readonly file: RoutingFile;
	/** sha256 of the bytes of `routing.json`. */
	readonly routingDigest: string;
	readonly bytes: RoutingBytes;
}

export interface Trust {
	/** Any of them may have signed; nothing unsigned is taken when given. */
	readonly publicKeys?: readonly KeyObject[] | undefined;
	/** What is in use: older ones are refused without a rollback record. */
	readonly current?: RoutingIdentity | undefined;
	/** The only one that is taken; any when not given. */
	readonly flagSetId?: string | undefined;
	/** Checked before: the same bytes are not compiled again. */
	readonly known?: CheckedRouting | undefined;
}

/**
 * Digest → signature → size of what is in it → parse → schema → lint → self-test → compile → environment → revision, in this order; nothing after a failure.
 * @throws {RouterError} SIGNATURE_MISSING, SIGNATURE_INVALID, BUNDLE_TORN, a lint code, ENVIRONMENT_DIFFERS,
 *   REVISION_NOT_HIGHER, REVISION_ROLLED_BACK, ROLLBACK_INVALID
 */
export function* acceptRoutingSteps(
	bytes: RoutingBytes,
	{ publicKeys, current, flagSetId, known }: Trust,
): Generator<void, CheckedRouting, void> {
	const routingDigest = sha256(bytes.routing);
	refuseUnsigned(bytes, publicKeys);
	yield;
	const { table, file } = known?.routingDigest === routingDigest ? known : yield* loadSteps(bytes);
	if (flagSetId !== undefined && table.flagSetId !== flagSetId) {
		const fix = `it is of ${table.flagSetId} and this reader of ${flagSetId}; name the other source, or the other environment (ARMSPAN_ENVIRONMENT) and start again`;
		throw bundleError("ENVIRONMENT_DIFFERS", bytes.origin, fix);
	}
	const refusal = revisionRefusal(
		{ revision: table.revision, routingDigest },
		current,
		readRollback(bytes, publicKeys),
	);
	if (refusal !== undefined) throw bundleError(refusal.code, bytes.origin, refusal.fix);
	return { table, file, routingDigest, bytes };
}

function* loadSteps(bytes: RoutingBytes): ReturnType<typeof RoutingTable.loadSteps> {
	const shape = yield* shapeProblemSteps(bytes.routing);
	if (shape !== undefined) {
		const code = shape.limit === "depth" ? "SCHEMA_INVALID" : "BUNDLE_TOO_LARGE";
		throw bundleError(code, bytes.origin, shape.fix);
	}
	const json = parse(bytes);
	yield;
	return yield* RoutingTable.loadSteps(json);
}

function refuseUnsigned({ origin, routing, signature }: RoutingBytes, publicKeys: Trust["publicKeys"]): void {
	if (publicKeys === undefined) return;
	if (signature === undefined) {
		throw bundleError("SIGNATURE_MISSING", `${origin}.sig`, "a public key is set and there is no signature; sign it");
	}
	if (!isSigned(routing, text(signature), publicKeys)) {
		throw bundleError(
			"SIGNATURE_INVALID",
			`${origin}.sig`,
			"no line of it signs these bytes with a key of this reader; sign again, or add the new public key",
		);
	}
}

function parse({ origin, routing }: RoutingBytes): unknown {
	try {
		return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(routing));
	} catch (error) {
		const fix = `${routing.length} bytes that are no JSON; write it by rename, never in place`;
		throw bundleError("BUNDLE_TORN", origin, fix, error);
	}
}

/** The rollback record, checked like the routing file itself. */
export function readRollback(bytes: RoutingBytes, publicKeys: Trust["publicKeys"]): Rollback {
	const { rollback, rollbackSignature } = bytes;
	if (rollback === undefined) return undefined;
	const invalid = (why: string): Rollback => ({ code: "ROLLBACK_INVALID", fix: `rollback.json: ${why}` });
	if (publicKeys !== undefined) {
		if (rollbackSignature === undefined) return invalid("rollback.json.sig is missing; sign it");
		if (!isSigned(rollback, text(rollbackSignature), publicKeys)) return invalid("not signed by a key of this reader");
	}
	let json: unknown;
	try {
		json = JSON.parse(text(rollback));
	} catch {
		// The reason is in the result: it is no JSON.
		return invalid(`${rollback.length} bytes that are no JSON`);
	}
	const record = RollbackRecord.safeParse(json);
	if (record.success) return record.data;
	return invalid(record.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join(", "));
}

function text(bytes: Uint8Array): string {
	return new TextDecoder().decode(bytes);
}
