import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@armspan/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ALERTS } from "../../dashboards/alerts.ts";
import { type ClickHouseServer, serverUnavailable } from "../conformance/clickhouse-server.ts";
import { startDeployedClickHouse } from "./deployed-clickhouse.ts";

const PAGES = join(import.meta.dirname, "../../docs/operations");
const read = (page: string) => readFileSync(join(PAGES, page), "utf8");
const sections = new Map(
	read("runbook.md")
		.split(/^## /m)
		.slice(1)
		.map((section) => [section.split("\n", 1)[0] ?? "", section]),
);

test("every alert has a section in the runbook, and no section is without an alert", () => {
	expect([...sections.keys()]).toEqual(ALERTS.map(({ name }) => name));
});

test.each([...sections])("%s: what one sees, what it may be, what to type, what then", (_name, section) => {
	for (const part of ["Symptom", "Likely causes", "Commands", "Then"]) expect(section).toContain(`\n**${part}.**`);
});

test("links within the pages lead to a heading", () => {
	const slug = (heading: string) =>
		heading
			.toLowerCase()
			.replaceAll(/[^\p{L}\p{N} -]/gu, "")
			.replaceAll(" ", "-");
	for (const page of readdirSync(PAGES)) {
		for (const [, target = "", anchor = ""] of read(page).matchAll(/\]\(([\w-]*(?:\.md)?)#([^)]+)\)/g)) {
			const headings = [...read(target || page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => slug(heading));
			expect(headings, `${page}: ${target}#${anchor}`).toContain(anchor);
		}
	}
});

const unavailable = serverUnavailable();
if (unavailable !== undefined) process.stderr.write(`\nSKIPPED: statements of the runbook: ${unavailable}\n`);

describe.skipIf(unavailable !== undefined)("the runbook's statements", () => {
	const folder = mkdtempSync(join(tmpdir(), "armspan-runbook-"));
	let server: ClickHouseServer;
	beforeAll(async () => {
		server = await startDeployedClickHouse(join(folder, "server"), join(folder, "backups"));
		const store = await openStore({ kind: "server", url: server.url });
		await store.migrate();
		await store.close();
		await server.run("SYSTEM FLUSH LOGS");
	}, 60_000);
	afterAll(async () => {
		server.stop();
		await server.stopped();
		rmSync(folder, { recursive: true, force: true });
	});

	const statements = [...sections].flatMap(([name, section]) =>
		[...section.matchAll(/```sql\n(.*?)```/gs)].map(([, sql = ""]) => [name, sql] as const),
	);
	test.each(statements)("%s: %s", async (_name, sql) => {
		expect(typeof (await server.run(sql))).toBe("string");
	});
	test("are there", () => expect(statements.length).toBeGreaterThan(10));
});
