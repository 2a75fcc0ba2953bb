import { readFileSync } from "node:fs";
import { SeenUnits } from "@armspan/schema";
import { z } from "zod";
import { CliError } from "../cli-error.ts";
import { parseUnits, syntheticUnits, UNIT_KINDS, type UnitKind, type UnitRecord } from "./unit-record.ts";

/** Units to compare a routing with. */
export interface UnitsSource {
	readonly kind: "given" | "seen" | "synthetic";
	readonly units: Iterable<UnitRecord>;
	/** In words, what they are. */
	readonly description: string;
	/** What must be known to read the numbers rightly. */
	readonly caveats: readonly string[];
}

const SAMPLE_SIZE = 100_000;
const SEEN_SINCE_MS = 24 * 60 * 60 * 1000;
const REQUEST_TIMEOUT_MS = 120_000;

/** Units of a file, or of stdin for `-`. @throws {CliError} UNITS_UNREADABLE */
export function unitsOfFile(file: string, kind: UnitKind): UnitsSource {
	const name = file === "-" ? "stdin" : file;
	let text: string;
	try {
		text = readFileSync(file === "-" ? 0 : file, "utf8");
	} catch (cause) {
		throw new CliError("UNITS_UNREADABLE", `${name}: cannot be read: ${(cause as Error).message}`, undefined, {
			cause,
		});
	}
	const units = parseUnits(text, name, kind);
	return { kind: "given", units, description: `${units.length.toLocaleString("en-US")} units of ${name}`, caveats: [] };
}

/** A seeded sample: what it shows are shares, not counts. */
export function syntheticSample(seed: number, unitAttributes: ReadonlySet<string>, why?: string): UnitsSource {
	return {
		kind: "synthetic",
		units: syntheticUnits(SAMPLE_SIZE, seed, unitAttributes),
		description: `${SAMPLE_SIZE.toLocaleString("en-US")} synthetic ids (seed ${seed}): shares with their 95 % sampling error, not counts of your units`,
		caveats: why === undefined ? [] : [why],
	};
}

/**
 * Units that a service has seen in the last day. Ids that left the application hashed cannot be routed: then a
 * synthetic sample, and why.
 * @throws {CliError} SERVICE_UNREACHABLE
 */
export async function unitsOfService(
	url: string,
	seed: number,
	unitAttributes: ReadonlySet<string>,
): Promise<UnitsSource> {
	const since = new Date(Date.now() - SEEN_SINCE_MS).toISOString();
	const units: UnitRecord[] = [];
	const caveats: string[] = [];
	let hashed = 0;
	for (const kind of UNIT_KINDS) {
		const seen = await ask(url, `/api/v1/units?${new URLSearchParams({ since, unit: kind })}`, SeenUnits);
		for (const id of seen.units) units.push({ [kind]: id });
		hashed += seen.hashed;
		if (seen.truncated)
			caveats.push(`more ${kind}s were seen than the service lists; the most recent ones are compared`);
	}
	if (hashed > 0) {
		const why = `${hashed.toLocaleString("en-US")} units seen by ${url} left the application as HMAC (ARMSPAN_UNIT_KEY): they cannot be routed`;
		if (units.length === 0) return syntheticSample(seed, unitAttributes, why);
		caveats.push(`${why}, and are left out`);
	}
	if (units.length === 0) return syntheticSample(seed, unitAttributes, `${url} has seen no unit in the last day`);
	return {
		kind: "seen",
		units,
		description: `${units.length.toLocaleString("en-US")} units seen by ${url} since ${since}`,
		caveats,
	};
}

const Health = z.object({ routing: z.object({ sourceCommit: z.string() }) });

/** Commit that a service has deployed. @throws {CliError} SERVICE_UNREACHABLE */
export async function deployedCommit(url: string): Promise<string> {
	return (await ask(url, "/healthz", Health)).routing.sourceCommit;
}

async function ask<Schema extends z.ZodType>(url: string, path: string, schema: Schema): Promise<z.infer<Schema>> {
	const token = process.env.ARMSPAN_TOKEN;
	const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
	const hint = "check --url (armspan up prints it) and ARMSPAN_TOKEN";
	let response: Response;
	try {
		response = await fetch(new URL(path, url), { headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
	} catch (cause) {
		throw new CliError("SERVICE_UNREACHABLE", `${url} does not answer: ${reason(cause)}`, hint, { cause });
	}
	if (!response.ok) throw new CliError("SERVICE_UNREACHABLE", `${url}${path} answered ${response.status}`, hint);
	const checked = schema.safeParse(await response.json().catch(() => undefined));
	if (checked.success) return checked.data;
	throw new CliError("SERVICE_UNREACHABLE", `${url}${path} is not an Armspan of this version`, hint, {
		cause: checked.error,
	});
}

function reason(error: unknown): string {
	const { cause, message } = error as Error;
	return cause instanceof Error ? cause.message : message;
}
