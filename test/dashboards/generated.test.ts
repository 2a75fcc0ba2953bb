import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { ALERTS } from "../../dashboards/alerts.ts";
import { generatedFiles } from "../../dashboards/generate.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "dashboards");
const provisioned = (path: string) => readFileSync(join(folder, "provisioning", path), "utf8");

test("what is committed is what is generated; else run: node --conditions=armspan-source dashboards/generate.ts", () => {
	for (const [path, text] of generatedFiles())
		expect([path, readFileSync(join(folder, path), "utf8")]).toEqual([path, text]);
	const committed = readdirSync(join(folder, "json")).map((file) => `json/${file}`);
	expect(committed.sort()).toEqual([...generatedFiles().keys()].filter((path) => path.startsWith("json/")).sort());
});

test("Grafana reads $ in provisioned files as a variable of its environment: only the data source has any", () => {
	expect(provisioned("alerting/armspan.yaml")).not.toContain("$");
	expect(provisioned("dashboards/armspan.yaml")).not.toContain("$");
	const names = new Set([...provisioned("datasources/clickhouse.yaml").matchAll(/\$(\w+)/g)].map(([, name]) => name));
	expect([...names].sort()).toEqual([
		"CLICKHOUSE_DATABASE",
		"CLICKHOUSE_GRAFANA_PASSWORD",
		"CLICKHOUSE_GRAFANA_USER",
		"CLICKHOUSE_HOST",
		"CLICKHOUSE_PORT",
	]);
});

test("alert rules ask the data source that is provisioned", () => {
	const [source] = parse(provisioned("datasources/clickhouse.yaml")).datasources;
	const { groups } = parse(provisioned("alerting/armspan.yaml"));
	const uids = new Set(
		groups.flatMap(({ rules }: { rules: { data: { datasourceUid: string; model: { datasource: unknown } }[] }[] }) =>
			rules.flatMap(({ data }) => data.map(({ datasourceUid }) => datasourceUid)),
		),
	);
	expect([...uids].sort()).toEqual(["__expr__", source.uid]);
	expect(source.type).toBe("grafana-clickhouse-datasource");
});

test("every alert has a rule, and its section in the runbook", () => {
	const grafana = parse(provisioned("alerting/armspan.yaml")).groups[0].rules;
	const prometheus = ["collector", "service"].flatMap(
		(kind) => parse(readFileSync(join(folder, `prometheus/${kind}.rules.yaml`), "utf8")).groups[0].rules,
	);
	const annotations = new Map<string, Record<string, string>>([
		...grafana.map((rule: { title: string; annotations: object }) => [rule.title, rule.annotations] as const),
		...prometheus.map((rule: { alert: string; annotations: object }) => [rule.alert, rule.annotations] as const),
	]);
	expect([...annotations.keys()].sort()).toEqual(ALERTS.map(({ name }) => name).toSorted());
	const runbook = join(root, "docs/operations/runbook.md");
	const headings = existsSync(runbook) ? readFileSync(runbook, "utf8").match(/^#+ .+$/gm) : undefined;
	for (const { name, summary } of ALERTS) {
		expect(annotations.get(name)).toMatchObject({
			summary,
			runbook_url: `https://github.com/armspan/armspan/blob/main/docs/operations/runbook.md#${name}`,
		});
		if (headings !== undefined) expect(headings?.map((heading) => heading.replace(/^#+ /, ""))).toContain(name);
	}
});
