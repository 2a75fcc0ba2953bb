// biome-ignore lint/suspicious/noDeprecatedImports: the classic model is what every Grafana provisions from files; v2 needs Grafana 12
import { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { ALERTS } from "./alerts.ts";

const index = new DashboardBuilder("Armspan").uid("armspan").description(ALERTS.map(({ name }) => name).join(", "));
process.stdout.write(`${JSON.stringify(index.build(), null, 2)}\n`);
