import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "@armspan/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadEvidence } from "../packages/service/src/test-support/loaded-evidence.ts";

const page = readFileSync(new URL("../docs/sql-examples.md", import.meta.url), "utf8");
/** Title, which is the line before, and statement. */
const examples = [...page.matchAll(/^([A-Z][^\n]+:)\n\n```sql\n(.*?)```/gms)].map(([, title = "", sql = ""]) => ({
	title,
	sql,
}));

const folder = mkdtempSync(join(tmpdir(), "armspan-sql-examples-"));
let store: Store;
beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
	await loadEvidence(store, new Date());
	// Delivered twice: the examples count once.
	await loadEvidence(store, new Date());
});
afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

test("every block of SQL is an example", () => {
	expect(examples.length).toBe(page.match(/^```sql$/gm)?.length);
	expect(examples.length).toBeGreaterThanOrEqual(10);
});

test.each(examples)("$title", async ({ sql }) => {
	const { rows, truncated } = await store.userSql(sql);
	expect(rows.length).toBeGreaterThan(0);
	expect(truncated).toBe(false);
});

test("they say what is loaded", async () => {
	const answer = async (title: RegExp) =>
		(await store.userSql(examples.find((one) => title.test(one.title))?.sql ?? "")).rows;
	expect((await answer(/^Latency by version/)).map((row) => row.slice(0, 3))).toEqual([
		["support-reply", "1.0.0", "772"],
		["support-reply", "2.0.0", "772"],
	]);
	expect((await answer(/^Cost per user/)).map((row) => row.slice(0, 2))).toEqual([
		["control", "200"],
		["friendly", "200"],
	]);
	expect(await answer(/^Units by variant/)).toEqual([
		["control", "200"],
		["friendly", "200"],
	]);
	expect((await answer(/^Units first exposed/)).length).toBe(10);
	expect((await answer(/^Whether evidence/)).map((row) => row.slice(0, 2))).toEqual([
		["calls", "1600"],
		["evaluations", "558"],
		["exposures", "400"],
	]);
});
