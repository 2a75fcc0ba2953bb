import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "./open-store.ts";
import type { Store } from "./store.ts";
import { checkUserSql } from "./user-sql-check.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-user-sql-check-"));
let store: Store;

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
});
afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

/** Each is refused by one rule alone: were it gone, another guard would have to step in, or none would. */
describe("each rule refuses by itself, in its own words", () => {
	test.each([
		["EXPLAIN SELECT 1", "only SELECT is answered, found EXPLAIN SELECT 1"],
		["SHOW TABLES", "only SELECT is answered, found SHOW TABLES"],
		["INSERT INTO exposures SELECT * FROM exposures", "only SELECT is answered, found INSERT INTO exposures"],
		["SELECT 'a\u0001b'", "a quoted name holds a quote, a backslash or a control character; rename it"],
		["SELECT 1 AS `a\\`b`", "a quoted name holds a quote, a backslash or a control character; rename it"],
		["SELECT 1; SELECT 2", "there are several; ask one question at a time"],
		["SELECT 1 SETTINGS readonly = 0", "SETTINGS are fixed; remove the clause"],
		["SELECT * FROM system.one", "there is no table system.one to ask; there are "],
		["SELECT 1 IN system.one", "there is no table system.one to ask; there are "],
		// A function of this name is allowed, and is another thing.
		["SELECT * FROM format(LineAsString, 'x')", "the table function format is not allowed"],
		// Another name of a function whose work is not bounded.
		["SELECT mismatches('a', 'b')", "the function byteHammingDistance is not allowed"],
		["SELECT sleep(1)", "the function sleep is not allowed"],
		["SELECT * FROM numbers(1) WHERE url('http://x', CSV)", "the table function url is not allowed"],
	])("%j", async (statement, why) => {
		await expect(store.userSql(statement)).rejects.toMatchObject({
			...{ code: "SQL_REFUSED", message: expect.stringContaining(`the statement is refused: ${why}`) },
		});
	});

	test("another name of a function that is allowed is allowed", async () => {
		expect((await store.userSql("SELECT INET_NTOA(toUInt32(1)), char_length('abc')")).rows).toEqual([["0.0.0.1", "3"]]);
	});
});

describe("what an engine may answer that nobody has seen", () => {
	const engineOf = (formatted: string, tree: readonly string[]) => ({
		query: async <Row>() => [{ formatted }] as Row[],
		text: async () => tree.join("\n"),
	});
	const literals = (count: number) => [
		...["SelectQuery (children 1)", ` ExpressionList (children ${count})`],
		...Array.from({ length: count }, () => "  Literal UInt64_1"),
	];

	test("a tree of more nodes than anybody writes", async () => {
		await expect(checkUserSql(engineOf("SELECT 1", literals(20_000)), "SELECT 1")).rejects.toThrow("it is too long");
		expect(await checkUserSql(engineOf("SELECT 1", literals(19_998)), "SELECT 1")).toBe("SELECT 1");
	});

	test("a tree that does not add up", async () => {
		const tree = ["SelectQuery (children 2)", " Literal UInt64_1"];
		await expect(checkUserSql(engineOf("SELECT 1", tree), "SELECT 1")).rejects.toThrow("cannot be read with certainty");
	});

	test("what is run is what the engine wrote, not what was given", async () => {
		expect(await checkUserSql(engineOf("SELECT 1", literals(1)), "SELECT /* anything */ 1")).toBe("SELECT 1");
	});
});
