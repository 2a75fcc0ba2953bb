import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openStore } from "./open-store.ts";
import type { Store } from "./store.ts";
import { UserSql, type UserSqlLimits } from "./user-sql.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-user-sql-"));
const secret = join(folder, "secret.txt");
const written = join(folder, "written.csv");
let store: Store;
const listener = createServer((_request, response) => response.end("1\n"));
let requests = 0;
let url = "";

beforeAll(async () => {
	writeFileSync(secret, "the-secret\n");
	listener.on("request", () => {
		requests++;
	});
	await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
	url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/`;
	store = await openStore({ kind: "embedded", path: join(folder, "data") });
	await store.migrate();
});

afterAll(async () => {
	await store.close();
	listener.close();
	rmSync(folder, { recursive: true });
});

const codeOf = async (statement: string, limits?: UserSqlLimits): Promise<string> => {
	try {
		return `answered ${JSON.stringify((await store.userSql(statement, limits)).rows)}`;
	} catch (error) {
		return String((error as { code?: unknown }).code);
	}
};

describe("questions are answered", () => {
	test.each([
		["SELECT 1 AS one", [[1]]],
		["select 'a\n\\'b' as x -- a comment\n;", [["a\n'b"]]],
		["SELECT /* hidden */ sumIf(number, number > 3), quantileExact(0.5)(number) FROM numbers(10)", [["39", "5"]]],
		[
			"WITH t AS (SELECT number AS n FROM numbers(3)), u AS (SELECT 2 AS m) SELECT n FROM t WHERE n IN u ORDER BY n",
			[["2"]],
		],
		["SELECT count() FROM calls FINAL WHERE unit_id IN (SELECT unit_id FROM exposures)", [["0"]]],
		["SELECT count() FROM default.calls AS c LEFT JOIN evaluations AS e USING (unit_id)", [["0"]]],
		[
			"SELECT number, sum(number) OVER (ORDER BY number ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM numbers(3)",
			[
				["0", "0"],
				["1", "1"],
				["2", "3"],
			],
		],
		["SELECT x FROM (SELECT 1 AS x UNION ALL SELECT 2) ORDER BY x", [[1], [2]]],
		[
			"SELECT splitByChar('\n', 'a\nb') AS `cost per unit`, toDate('2026-11-20') - INTERVAL 1 DAY",
			[[["a", "b"], "2026-11-19"]],
		],
		[
			"SELECT CASE WHEN 1 > 0 THEN 'x' END, [1,2][1], (1,'a').2, '8'::Int8, ifNull(NULL, 3), round(1.25, 1)",
			[["x", 1, "a", 8, 3, 1.2]],
		],
		["SELECT nan, -inf, toInt128(5)", [["nan", "-inf", "5"]]],
	])("%s", async (statement, rows) => {
		expect((await store.userSql(statement)).rows).toEqual(rows);
	});

	test("names and types come with them, and of too many rows the first", async () => {
		const result = await store.userSql("SELECT number AS n, 'x' AS text FROM numbers(100)", { maxRows: 3 });
		expect(result.columns).toEqual([
			{ name: "n", type: "UInt64" },
			{ name: "text", type: "String" },
		]);
		expect(result).toMatchObject({
			truncated: true,
			rows: [
				["0", "x"],
				["1", "x"],
				["2", "x"],
			],
		});
		const exact = await store.userSql("SELECT number FROM numbers(3)", { maxRows: 3 });
		expect(exact).toMatchObject({ truncated: false });
	});
});

/** Ways to a file, each an expression. */
const READS = [`file('${secret}')`, `FILE('${secret}')`, `\`file\`('${secret}')`, `/**/file/**/('${secret}')`] as const;
/** Places whose expression the syntax tree does not show, and names that look like nodes. */
const HIDDEN = /REPLACE|APPLY|INTERPOLATE|\n|quantile/;
/** Each place in a statement where an expression may stand. */
const PLACES: readonly ((expression: string) => string)[] = [
	(e) => `SELECT ${e}`,
	(e) => `SELECT length(upper(${e}))`,
	(e) => `WITH ${e} AS x SELECT x`,
	(e) => `WITH t AS (SELECT ${e} AS x) SELECT x FROM t`,
	(e) => `SELECT 1 WHERE ${e} != ''`,
	(e) => `SELECT 1 FROM calls PREWHERE ${e} != ''`,
	(e) => `SELECT count() FROM numbers(3) GROUP BY ${e}`,
	(e) => `SELECT count() FROM numbers(3) HAVING ${e} != ''`,
	(e) => `SELECT number FROM numbers(3) QUALIFY ${e} != ''`,
	(e) => `SELECT number FROM numbers(3) ORDER BY ${e}`,
	(e) => `SELECT number FROM numbers(3) ORDER BY number WITH FILL FROM length(${e}) TO 9`,
	(e) => `SELECT number, 'a' AS a FROM numbers(3) ORDER BY number WITH FILL INTERPOLATE (a AS ${e})`,
	(e) => `SELECT number FROM numbers(3) LIMIT length(${e})`,
	(e) => `SELECT number FROM numbers(3) LIMIT 1 BY ${e}`,
	(e) => `SELECT number FROM numbers(3) LIMIT 1 OFFSET length(${e})`,
	(e) => `SELECT number FROM numbers(length(${e}))`,
	(e) => `SELECT a FROM numbers(3) ARRAY JOIN [${e}] AS a`,
	(e) => `SELECT 1 FROM numbers(1) AS a JOIN numbers(1) AS b ON a.number = b.number AND ${e} != ''`,
	(e) => `SELECT sum(1) OVER (PARTITION BY ${e})`,
	(e) => `SELECT sum(1) OVER w WINDOW w AS (ORDER BY ${e})`,
	(e) => `SELECT arrayMap(x -> ${e}, [1])`,
	(e) => `SELECT * REPLACE (${e} AS number) FROM numbers(1)`,
	(e) => `SELECT * APPLY (x -> ${e}) FROM numbers(1)`,
	(e) => `SELECT 1 IN (SELECT ${e})`,
	(e) => `SELECT (SELECT ${e})`,
	(e) => `SELECT 1 UNION ALL SELECT length(${e})`,
	(e) => `SELECT 1 EXCEPT SELECT length(${e})`,
	(e) => `SELECT CASE WHEN 1 THEN ${e} ELSE '' END`,
	(e) => `SELECT quantile(length(${e}))(number) FROM numbers(1)`,
	(e) => `SELECT * FROM view(SELECT ${e})`,
	(e) => `SELECT * FROM (SELECT ${e})`,
	(e) => `SELECT * FROM values('x String', (${e}))`,
	(e) => `SELECT 1 AS \`a\nLiteral 'b'\`, ${e}`,
	(e) => `SELECT 1 AS \`a (children 0)\`, ${e} AS \`b (alias c) (children 1)\``,
];

describe("a file is read from no place in a statement", () => {
	test.each(PLACES.map((place) => [place("'it'"), place] as const))("%s", async (harmless, place) => {
		// Of a place that is refused whatever stands there, nothing else has to be shown.
		const isPlace = (await codeOf(harmless)).startsWith("answered");
		expect(isPlace || HIDDEN.test(harmless)).toBe(true);
		expect(await codeOf(place(READS[0]))).toBe("SQL_REFUSED");
	});

	test.each(READS)("SELECT %s", async (read) => {
		expect(await codeOf(`SELECT ${read}`)).toBe("SQL_REFUSED");
	});
});

describe("what is more than a question is refused", () => {
	test.each([
		`SELECT * FROM file('${secret}', LineAsString)`,
		`SELECT * FROM \`${secret}\``,
		`SELECT * FROM '${secret}'`,
		`SELECT * FROM "${secret}"`,
		`SELECT * FROM default.\`${secret}\``,
		`SELECT 'x' IN \`${secret}\``,
		`SELECT 'x' GLOBAL NOT IN \`${secret}\``,
		`SELECT in('x', \`${secret}\`)`,
		`WITH secret AS (SELECT 1) SELECT * FROM \`${secret}\``,
		`SELECT * FROM fileCluster('default', '${secret}', LineAsString)`,
		"SELECT * FROM filesystem('/etc')",
		"SELECT * FROM remote('127.0.0.1', system.one)",
		"SELECT * FROM remoteSecure('127.0.0.1', system.one)",
		"SELECT * FROM cluster('default', system.one)",
		"SELECT * FROM clusterAllReplicas('default', system.one)",
		"SELECT * FROM s3('https://bucket/x')",
		"SELECT * FROM mysql('h:1', 'd', 't', 'u', 'p')",
		"SELECT * FROM postgresql('h:1', 'd', 't', 'u', 'p')",
		"SELECT * FROM sqlite('x', 'y')",
		"SELECT * FROM executable('id', TSV, 'a String')",
		"SELECT * FROM dictionary('d')",
		"SELECT * FROM merge('system', '.*')",
		"SELECT * FROM loop(system, one)",
		"SELECT * FROM view(SELECT * FROM system.tables)",
		"SELECT * FROM generateRandom('a Int8')",
		"SELECT * FROM input('a Int8')",
		"SELECT * FROM eval('SELECT 1')",
		"SELECT * FROM system.tables",
		"SELECT * FROM `system`.`tables`",
		"SELECT * FROM SYSTEM.one",
		"SELECT * FROM information_schema.tables",
		"SELECT * FROM INFORMATION_SCHEMA.TABLES",
		"SELECT 1 IN system.one",
		"SELECT 1 IN (system.one)",
		"SELECT 1 WHERE 0 NOT IN system.one",
		"SELECT dictGet('d', 'a', 1)",
		"SELECT joinGet('t', 'a', 1)",
		"SELECT sleep(1)",
		"SELECT sleepEachRow(1) FROM numbers(100)",
		"SELECT SLEEP(1)",
		"SELECT getSetting('readonly')",
		"SELECT getServerSetting('max_connections')",
		"SELECT getMacro('shard')",
		"SELECT hostName()",
		"SELECT aiGenerate('x', 'y')",
		"SELECT addressToLine(1)",
		"SELECT arrayLevenshteinDistance(range(100000), arrayReverse(range(100000)))",
		"SELECT arraySimilarity([1], [2], [1.], [1.])",
		"SELECT filesystemAvailable()",
		"SELECT logTrace('x')",
		"SELECT 1 SETTINGS readonly = 0",
		"SELECT 1 SETTINGS max_execution_time = 0",
		"SELECT * FROM (SELECT 1 SETTINGS max_threads = 64)",
		"SELECT 1 UNION ALL (SELECT 2 SETTINGS max_threads = 64)",
		"SELECT 1 FORMAT CSV",
		"SELECT 1 FORMAT Null SETTINGS readonly = 0",
		"SELECT 1; SELECT 2",
		"SELECT 1; SET readonly = 0",
		"SELECT 1 /* ; */; DROP TABLE calls",
		"SELECT '--'; SELECT 2",
		"SELECT {x:String}",
		"SELECT * FROM {t:Identifier}",
		"SELECT * APPLY(file) FROM numbers(1)",
		"SELECT COLUMNS('a') APPLY(file) FROM numbers(1)",
		"EXPLAIN SELECT 1",
		"EXPLAIN AST SELECT 1",
		"SHOW TABLES",
		`DESCRIBE file('${secret}')`,
		"SET readonly = 0",
		"USE system",
		"INSERT INTO calls (unit_id) VALUES ('x')",
		"INSERT INTO FUNCTION file('x.csv') SELECT 1",
		"CREATE TABLE x (a Int8) ENGINE = Memory",
		"CREATE FUNCTION f AS x -> x",
		"CREATE TEMPORARY TABLE x (a Int8)",
		"ALTER TABLE calls DELETE WHERE 1",
		"DROP TABLE calls",
		"TRUNCATE TABLE calls",
		"OPTIMIZE TABLE calls FINAL",
		"ATTACH TABLE x (a Int8) ENGINE = Memory",
		"SYSTEM SHUTDOWN",
		"KILL QUERY WHERE 1",
		"GRANT ALL ON *.* TO x",
		"BACKUP TABLE calls TO File('x')",
		`SELECT ${"1+".repeat(40_000)}1`,
	])("%s", async (statement) => {
		expect(await codeOf(statement)).toBe("SQL_REFUSED");
	});

	test.each([
		"",
		";",
		"--",
		"nonsense",
		"SELECT 1) SETTINGS max_threads = 1 --",
		`SELECT ${"(".repeat(5000)}1${")".repeat(5000)}`,
	])("%.40s is no statement", async (statement) => {
		expect(await codeOf(statement)).toBe("SQL_FAILED");
	});

	test("nothing is written to a file", async () => {
		for (const clause of [`INTO OUTFILE '${written}'`, `INTO OUTFILE '${written}' TRUNCATE FORMAT CSV`]) {
			expect(await codeOf(`SELECT 1 ${clause}`)).toBe("SQL_REFUSED");
			expect(await codeOf(`SELECT * FROM (SELECT 1 ${clause})`)).toBe("SQL_FAILED");
		}
		expect(existsSync(written)).toBe(false);
	});

	test("nobody is called", async () => {
		for (const of of [`url('${url}', LineAsString)`, `URL('${url}', CSV, 'a Int8')`, `\`url\`('${url}', CSV)`]) {
			expect(await codeOf(`SELECT * FROM ${of}`)).toBe("SQL_REFUSED");
		}
		expect(await codeOf(`SELECT * FROM \`${url}\``)).toBe("SQL_REFUSED");
		expect(requests).toBe(0);
	});
});

test("no statement made of harmless and harmful parts reveals a file, calls anybody, or writes", async () => {
	const { statement } = fc.letrec<{ statement: string; expression: string; table: string; clause: string }>((tie) => ({
		expression: fc.oneof(
			{ maxDepth: 3, withCrossShrink: true },
			fc.constantFrom("1", "'x'", "number", `'${secret}'`, "`a`", "NULL", "c", "(system.one)"),
			fc.constantFrom(...READS),
			tie("expression").map((e) => `upper(toString(${e}))`),
			tie("expression").map((e) => `/* ) */ (${e}) AS \`b (children 1)\``),
			tie("statement").map((q) => `(${q})`),
			fc.tuple(tie("expression"), tie("table")).map(([e, t]) => `${e} IN ${t}`),
			tie("statement").map((q) => `EXISTS(${q})`),
		),
		table: fc.oneof(
			{ maxDepth: 3 },
			fc.constantFrom("numbers(2)", "calls", "c", `\`${secret}\``, "system.one", `file('${secret}', LineAsString)`),
			fc.constantFrom(`url('${url}', LineAsString)`, `format(LineAsString, 'x')`, "values('a String', 'x')"),
			tie("statement").map((q) => `(${q}) AS t`),
			tie("statement").map((q) => `view(${q})`),
		),
		clause: fc.oneof(
			{ maxDepth: 3 },
			fc.constantFrom(
				"",
				"LIMIT 3",
				"SETTINGS readonly = 0",
				"FORMAT CSV",
				`INTO OUTFILE '${written}'`,
				"; SELECT 1",
				"-- x",
				"*/",
			),
			tie("expression").map((e) => `WHERE ${e} = ''`),
			tie("expression").map((e) => `ORDER BY ${e}`),
		),
		statement: fc.oneof(
			{ maxDepth: 3 },
			fc.constant("SELECT 1"),
			fc.tuple(tie("expression"), tie("table"), tie("clause")).map(([e, t, c]) => `SELECT ${e} FROM ${t} ${c}`),
			fc.tuple(tie("statement"), tie("statement")).map(([a, b]) => `WITH c AS (${a}) ${b}`),
			fc.tuple(tie("statement"), tie("statement")).map(([a, b]) => `${a} UNION ALL ${b}`),
		),
	}));
	let answered = 0;
	await fc.assert(
		fc.asyncProperty(statement, async (sql) => {
			const code = await codeOf(sql, { maxExecutionMs: 2000 });
			if (code.startsWith("answered")) answered++;
			expect(code).not.toMatch(/the-secret/i);
			expect(code).toMatch(/^(?:answered|SQL_(?:REFUSED|FAILED|LIMIT)$)/);
		}),
		{ numRuns: 300, examples: [["SELECT 1"]] },
	);
	expect(answered).toBeGreaterThan(0);
	expect([existsSync(written), requests]).toEqual([false, 0]);
}, 120_000);

describe("what does not end is ended", () => {
	const limits = { maxExecutionMs: 300 };
	test.each([
		"SELECT count() FROM numbers(10000000000) AS a, numbers(10000000000) AS b WHERE a.number < b.number",
		"SELECT sum(cityHash64(number)) FROM numbers(1000000000000)",
		"SELECT number FROM numbers(1000000000000) ORDER BY cityHash64(number)",
		"WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count() FROM t",
	])("%s", async (statement) => {
		expect(await codeOf(statement, { ...limits, maxMemoryBytes: 200_000_000 })).toMatch(/^SQL_(?:LIMIT|FAILED)$/);
	});

	test.each(["SELECT groupArray(number) FROM numbers(10000000000)", "SELECT length(repeat('x', 1000000000))"])(
		"%s",
		async (statement) => {
			expect(await codeOf(statement, { maxMemoryBytes: 50_000_000 })).toMatch(/^SQL_(?:LIMIT|FAILED)$/);
		},
	);

	test.each([
		["one huge cell", "SELECT randomString(20000000)"],
		[
			"one whose JSON is six times as long",
			"SELECT substring(repeat(unhex('01'), 1000000), number + 1) FROM numbers(4)",
		],
		["a constant, many times", "SELECT number, repeat('x', 1000000) FROM numbers(100)"],
		["many rows", "SELECT number, repeat('x', 20000 + number) FROM numbers(1000)"],
		["a huge array", "SELECT groupArray(number) FROM numbers(3000000)"],
	])("no answer is larger than 16 MB: %s", async (_, statement) => {
		expect(await codeOf(statement)).toBe("SQL_TOO_LARGE");
	});

	test("rows that are not shown count for nothing", async () => {
		const rows = async (maxRows: number) =>
			(await store.userSql("SELECT repeat('x', 1000000) AS long FROM numbers(100)", { maxRows })).rows.length;
		expect(await rows(10)).toBe(10);
	});

	test("what does not end is not waited for, keeps its place until it ends, and its connections are thrown away", async () => {
		vi.useFakeTimers();
		try {
			let end: (rows: unknown[][]) => void = () => {};
			let [opened, discarded] = [0, 0];
			const endless = new UserSql(() => {
				opened++;
				return {
					query: async <Row>(sql: string) => (/formatQuery/.test(sql) ? [{ formatted: "SELECT 1" }] : []) as Row[],
					text: async () => '"SelectWithUnionQuery"',
					table: () =>
						new Promise<unknown[][]>((resolve) => {
							end = resolve;
						}),
					discard: () => {
						discarded++;
					},
				};
			});
			const asked = [endless.run("SELECT 1"), endless.run("SELECT 1")];
			const settled = Promise.allSettled(asked);
			await expect(endless.run("SELECT 1")).rejects.toMatchObject({ code: "SQL_BUSY" });
			await vi.advanceTimersByTimeAsync(60_000);
			for (const one of await settled) expect(one).toMatchObject({ status: "rejected", reason: { code: "SQL_LIMIT" } });
			expect([opened, discarded]).toEqual([4, 4]);
			await expect(endless.run("SELECT 1")).rejects.toMatchObject({ code: "SQL_BUSY" });
			end([["one"], ["UInt8"]]);
			await vi.advanceTimersByTimeAsync(0);
			const third = endless.run("SELECT 1");
			await vi.advanceTimersByTimeAsync(0);
			end([["one"], ["UInt8"], [1]]);
			expect(await third).toMatchObject({ columns: [{ name: "one", type: "UInt8" }], rows: [[1]] });
		} finally {
			vi.useRealTimers();
		}
	});
});

test("after all that the store works, its settings untouched", async () => {
	await store.userSql("SELECT 1");
	expect(await store.migrate()).toEqual([]);
	expect(await store.counts()).toMatchObject({ calls: 0 });
	await store.insertLogs([]);
	await store.setRetention({ landingDays: 30, evidenceDays: 400, now: new Date() });
});

test("limits that nobody can mean are refused", async () => {
	for (const limits of [{ maxExecutionMs: 0 }, { maxRows: 1e9 }, { maxMemoryBytes: 0.5 }, { maxRows: Number.NaN }]) {
		expect(await codeOf("SELECT 1", limits)).toBe("SQL_REFUSED");
	}
});
