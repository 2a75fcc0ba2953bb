import type { Attributes } from "@armspan/router";
import { z } from "zod";
import { CliError } from "../cli-error.ts";

const Id = z.union(
	[z.string().min(1).max(1000), z.int().transform(String)],
	"expected a text of 1 to 1000 characters or a whole number",
);

/** One unit, or one call, whose routing is asked for. */
const UnitRecord = z.strictObject({
	user: Id.optional(),
	session: Id.optional(),
	request: Id.optional(),
	attributes: z
		.record(z.string(), z.union([z.string(), z.number(), z.boolean()], "expected a text, a number, true or false"))
		.optional(),
});
export type UnitRecord = z.infer<typeof UnitRecord>;

export const UNIT_KINDS = ["user", "session", "request"] as const;
export type UnitKind = (typeof UNIT_KINDS)[number];

const MAX_UNITS = 5_000_000;

/**
 * Units from text: each line an id, or a JSON object such as `{"user":"u-1","attributes":{"plan":"pro"}}`. Empty lines
 * are skipped, and of equal lines one is kept.
 * @param kind what an id alone names
 * @throws {CliError} UNITS_UNREADABLE with file and line
 */
export function parseUnits(text: string, file: string, kind: UnitKind): UnitRecord[] {
	const lines = text.split(/\r?\n/);
	const seen = new Set<string>();
	const units: UnitRecord[] = [];
	lines.forEach((raw, index) => {
		const line = raw.trim();
		if (line === "" || seen.has(line)) return;
		seen.add(line);
		if (units.length === MAX_UNITS) throw new CliError("UNITS_UNREADABLE", `${file}: more than ${MAX_UNITS} units`);
		units.push(line.startsWith("{") ? parseRecord(line, `${file}:${index + 1}`) : { [kind]: line });
	});
	if (units.length === 0) {
		throw new CliError("UNITS_UNREADABLE", `${file}: no units; expected one id or one JSON object a line`);
	}
	return units;
}

function parseRecord(line: string, at: string): UnitRecord {
	let value: unknown;
	try {
		value = JSON.parse(line);
	} catch (cause) {
		throw new CliError("UNITS_UNREADABLE", `${at}: not valid JSON`, undefined, { cause });
	}
	const checked = UnitRecord.safeParse(value);
	if (checked.success) return checked.data;
	const [issue] = checked.error.issues;
	const found = issue?.path.reduce<unknown>(
		(from, key) => (from as Record<PropertyKey, unknown> | undefined)?.[key],
		value,
	);
	const shown = issue?.code === "invalid_union" ? `, found ${JSON.stringify(found)?.slice(0, 80)}` : "";
	throw new CliError(
		"UNITS_UNREADABLE",
		`${at}: ${issue?.path.join(".") || "line"}: ${issue?.message}${shown}`,
		undefined,
		{ cause: checked.error },
	);
}

/**
 * Units that exist nowhere, the same for the same seed: each id is user, session and request at once, and the
 * attributes that are randomized.
 */
export function* syntheticUnits(
	count: number,
	seed: number,
	unitAttributes: ReadonlySet<string>,
): Generator<UnitRecord> {
	for (let index = 0; index < count; index++) {
		const id = `synthetic-${seed}-${index}`;
		const attributes: Attributes = Object.fromEntries([...unitAttributes].map((name) => [name, id]));
		yield { user: id, session: id, request: id, attributes };
	}
}
