import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { QueryContext } from "./grafana-macros.ts";

interface Target {
	readonly rawSql: string;
	readonly format: number;
	readonly queryType: string;
	readonly editorType: string;
	readonly pluginVersion: string;
	readonly datasource: { readonly type: string; readonly uid: string };
}
interface Panel {
	readonly id: number;
	readonly type: string;
	readonly title: string;
	readonly description?: string;
	readonly repeat?: string;
	readonly targets?: readonly Target[];
	readonly fieldConfig?: {
		readonly defaults: { readonly mappings?: readonly { readonly options: Readonly<Record<string, unknown>> }[] };
		readonly overrides: readonly {
			readonly matcher: { readonly id: string; readonly options: string };
			readonly properties: readonly { readonly id: string; readonly value: unknown }[];
		}[];
	};
}
interface Dashboard {
	readonly uid: string;
	readonly title: string;
	readonly tags: readonly string[];
	readonly links: readonly { readonly type: string; readonly tags: readonly string[] }[];
	readonly panels: readonly Panel[];
	readonly templating: {
		readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[];
	};
	readonly annotations: { readonly list: readonly { readonly name: string; readonly target: Target }[] };
}

const json = fileURLToPath(new URL("../../dashboards/json/", import.meta.url));
export const dashboards = readdirSync(json).map(
	(file) => JSON.parse(readFileSync(join(json, file), "utf8")) as Dashboard,
);

/** Everything that is asked, with where it stands. */
export const panels = dashboards.flatMap(({ uid, panels }) =>
	panels
		.filter(({ type }) => type !== "row")
		.map((panel) => ({ name: `${uid} / ${panel.id} ${panel.title}`, panel, target: panel.targets?.[0] as Target })),
);

/** What a reader of the dashboards has chosen: a week of `loadStore`'s experiment. */
export const queryContext = (now: Date): QueryContext => ({
	...{ from: new Date(now.getTime() - 7 * 86_400_000), to: now, intervalSeconds: 600 },
	variables: {
		...{ environment: "production", experiment: "support-tone", iteration: "1", treatment: "friendly" },
		...{ metric: ["error-rate", "latency"], prompt: "support-reply" },
	},
});
