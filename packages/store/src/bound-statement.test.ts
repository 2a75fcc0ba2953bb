import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { boundStatement } from "./bound-statement.ts";
import { ClientConnection } from "./client-connection.ts";

describe("where a parameter is one", () => {
	test.each([
		["SELECT {x:String}", "SELECT 'v'"],
		["SELECT '{x:String}', '\\'{x:String}', '''{x:String}'", "SELECT '{x:String}', '\\'{x:String}', '''{x:String}'"],
		['SELECT `{x:String}`, "{x:String}"', 'SELECT `{x:String}`, "{x:String}"'],
		["-- don't {x:String}\nSELECT {x:String}", "-- don't {x:String}\nSELECT 'v'"],
		["/* don't\n{x:String} */ SELECT {x:String}", "/* don't\n{x:String} */ SELECT 'v'"],
		["SELECT {x: Int64}", "SELECT _CAST('v', 'Int64')"],
		[
			"SELECT {l:Array(String)}, {e:Array(String)}",
			"SELECT _CAST(['a', '\\'b'], 'Array(String)'), _CAST([], 'Array(String)')",
		],
		["ALTER TABLE {x:Identifier}", "ALTER TABLE `v`"],
	])("%s", (sql, expected) => {
		expect(boundStatement(sql, { x: "v", l: ["a", "'b"], e: [] })).toBe(expected);
	});

	test("one without a value stays, also one that every object has", () => {
		for (const name of ["y", "toString", "__proto__"]) {
			expect(boundStatement(`SELECT {${name}:String}`, { x: "v" })).toBe(`SELECT {${name}:String}`);
		}
	});
});

describe("on the engine", () => {
	const folder = mkdtempSync(join(tmpdir(), "armspan-bound-statement-"));
	const connect = () => {
		const connection = createChdbConnection({ path: folder });
		return new ClientConnection(
			createClient({ connection, log: { level: ClickHouseLogLevel.OFF } } as unknown as Parameters<
				typeof createClient
			>[0]),
			connection,
		);
	};
	const [one, other] = [connect(), connect()];
	afterAll(async () => {
		await one.close();
		await other.close();
		rmSync(folder, { recursive: true });
	});

	test("any text is what it was, and no text is more than a text", async () => {
		const hostile = fc.string({
			unit: fc.oneof(
				fc.constantFrom("'", "\\", "`", "\n", "\0", "--", "{x:String}", "$$", "é"),
				fc.string({ unit: "grapheme", maxLength: 3 }),
			),
		});
		await fc.assert(
			fc.asyncProperty(hostile, fc.array(hostile), async (text, list) => {
				const rows = await one.query("SELECT hex({x:String}) AS x, arrayMap(l -> hex(l), {l:Array(String)}) AS l", {
					...{ x: text, l: list },
				});
				const hex = (of: string) => Buffer.from(of).toString("hex").toUpperCase();
				expect(rows).toEqual([{ x: hex(text), l: list.map(hex) }]);
			}),
			{ numRuns: 60 },
		);
	});

	test("a number has its type, and what is no number is refused", async () => {
		const sql = "SELECT toTypeName({n:UInt32}) AS type, toString({n:UInt32}) AS n";
		expect(await one.query(sql, { n: 7 })).toEqual([{ type: "UInt32", n: "7" }]);
		await expect(one.query(sql, { n: "7) OR (1" })).rejects.toThrow();
	});

	// The client of chDB runs statements whose parameters it binds one at a time, on whatever connection.
	test("a statement with parameters does not wait for one on another connection", async () => {
		let ended = false;
		const slow = one
			.query(
				"SELECT count() FROM numbers({n:UInt64}) WHERE number % 7 = 3 SETTINGS max_execution_time = 5, max_threads = 1",
				{
					n: "100000000000000",
				},
			)
			.finally(() => {
				ended = true;
			});
		const refused = expect(slow).rejects.toThrow("Timeout exceeded");
		expect(await other.query("SELECT {x:String} AS x", { x: "soon" })).toEqual([{ x: "soon" }]);
		expect(ended).toBe(false);
		await refused;
	});
});
