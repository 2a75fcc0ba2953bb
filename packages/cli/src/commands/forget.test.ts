import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeTraces, openStore } from "../../../store/src/index.ts";
import { runArmspan } from "../test-support/run-armspan.ts";

const data = mkdtempSync(join(tmpdir(), "armspan-forget-"));
const KEY = "a key of thirty-two characters !";
const hashed = createHmac("sha256", KEY).update("ada", "utf8").digest("hex");

beforeAll(async () => {
	const store = await openStore({ kind: "embedded", path: join(data, "clickhouse") });
	await store.migrate();
	const spans = ["ada", hashed, "grace"].map((unit, index) => ({
		traceId: String(index + 1).padStart(32, "0"),
		spanId: String(index + 1).padStart(16, "0"),
		name: "chat",
		startTimeUnixNano: `${Date.now()}000000`,
		endTimeUnixNano: `${Date.now() + 1}000000`,
		attributes: Object.entries({
			"gen_ai.operation.name": "chat",
			"gen_ai.prompt.name": "support-reply",
			"armspan.unit.id": unit,
		}).map(([key, stringValue]) => ({ key, value: { stringValue } })),
	}));
	const body = Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }));
	await store.insertTraces(decodeTraces(body, "application/json").rows);
	await store.close();
});
afterAll(() => rmSync(data, { recursive: true }));

test("a unit is forgotten under its id and its hash; nobody else is; the second time there is nothing", async () => {
	const forget = () => runArmspan(["forget", "ada", "--data", data, "--json"], { env: { ARMSPAN_UNIT_KEY: KEY } });
	const first = await forget();
	expect(first.code).toBe(0);
	expect(JSON.parse(first.stdout)).toMatchObject({
		schemaVersion: 1,
		erased: { otel_traces: 2, calls: 2 },
		remaining: [],
	});
	// a random id may contain it, as three hex digits
	expect(first.stdout.replace(JSON.parse(first.stdout).id, "")).not.toContain("ada");
	expect(JSON.parse((await forget()).stdout)).toMatchObject({ erased: {}, remaining: [] });
	const grace = await runArmspan(["forget", "grace", "--data", data]);
	expect(grace.stdout).toMatch(/^otel_traces +1 rows erased\nrecorded as [0-9a-f-]{36}\n$/m);
	expect(grace.stdout).toMatch(/^calls +1 rows erased\n/m);
}, 60_000);

test("a folder without evidence is not made", async () => {
	const empty = join(data, "empty");
	mkdirSync(empty);
	const { code, stdout, stderr } = await runArmspan(["forget", "ada", "--data", empty]);
	expect([code, stdout]).toEqual([1, ""]);
	expect(stderr).toContain("NO_EVIDENCE");
});
