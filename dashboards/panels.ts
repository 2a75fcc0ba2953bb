import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import {
	BigValueColorMode,
	BigValueGraphMode,
	BigValueTextMode,
	GraphDrawStyle,
	LegendDisplayMode,
	LegendPlacement,
	ReduceDataOptionsBuilder,
	ScaleDistribution,
	ScaleDistributionConfigBuilder,
	StackingConfigBuilder,
	StackingMode,
	TooltipDisplayMode,
	VisibilityMode,
	VizLegendOptionsBuilder,
	VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
	type DashboardLink,
	type DynamicConfigValue,
	MappingType,
	type Panel,
	type ThresholdsConfig,
	ThresholdsMode,
	type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as StatPanelBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimelinePanelBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TablePanelBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeSeriesPanelBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { CHOSEN_SOURCE, ClickHouseQuery } from "./clickhouse-query.ts";

interface PanelText {
	readonly title: string;
	/** What it shows and what not to read into it. */
	readonly description: string;
	readonly sql: string;
	/** Of 24. */
	readonly width: number;
	readonly height?: number;
}

/** Text and colour of a value that stands for a state. */
export type States = Readonly<Record<string, { readonly text: string; readonly color: string }>>;

/** Grafana's names of units that are used here. */
type Unit = "ms" | "currencyUSD" | "percentunit" | "short" | "s" | "dateTimeFromNow" | "decbytes";

/** Longer gaps are shown as gaps. */
const SPANNED_GAP_MS = 3_600_000;

const plain = <Model>(model: Model): Builder<Model> => ({ build: () => model });

export interface TimeSeriesOptions extends PanelText {
	readonly unit?: Unit;
	readonly min?: number;
	readonly max?: number;
	readonly stacked?: boolean;
	readonly logarithmic?: boolean;
	/** Columns `lower` and `upper` are an interval around the others. */
	readonly band?: boolean;
}

/** Lines over time; the first column is `time`, text columns name the series. */
export function timeSeries(options: TimeSeriesOptions): Builder<Panel> {
	const panel = new TimeSeriesPanelBuilder()
		.unit(options.unit ?? "short")
		.drawStyle(GraphDrawStyle.Line)
		.lineWidth(options.stacked ? 0 : 2)
		.fillOpacity(options.stacked ? 60 : 0)
		.showPoints(VisibilityMode.Auto)
		// series of several versions have no value where only another has one
		.spanNulls(options.band ? false : SPANNED_GAP_MS)
		.tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
		.legend(
			new VizLegendOptionsBuilder()
				.displayMode(LegendDisplayMode.List)
				.placement(LegendPlacement.Bottom)
				.showLegend(true),
		);
	if (options.min !== undefined) panel.min(options.min);
	if (options.max !== undefined) panel.max(options.max);
	if (options.stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
	if (options.logarithmic) {
		panel.scaleDistribution(new ScaleDistributionConfigBuilder().type(ScaleDistribution.Log).log(10));
	}
	if (options.band) {
		panel.overrideByName("lower", [{ id: "custom.lineWidth", value: 1 }]).overrideByName("upper", [
			{ id: "custom.lineWidth", value: 1 },
			{ id: "custom.fillBelowTo", value: "lower" },
			{ id: "custom.fillOpacity", value: 15 },
		]);
	}
	return placed(panel, options, "timeseries");
}

export interface StatOptions extends PanelText {
	readonly unit?: Unit;
	readonly decimals?: number;
	readonly states?: States;
	/** From here on the value is bad. */
	readonly badFrom?: number;
	/** Up to here the value is bad. */
	readonly badUpTo?: number;
}

/** One value, the first of the first row. */
export function stat(options: StatOptions): Builder<Panel> {
	const panel = new StatPanelBuilder()
		.unit(options.unit ?? "short")
		// every field, texts too
		.reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]).fields("/.*/").values(false))
		.graphMode(BigValueGraphMode.None)
		.colorMode(BigValueColorMode.Value)
		.textMode(BigValueTextMode.Value)
		.noValue("–")
		.mappings(mappingsOf(options.states))
		.thresholds(thresholds(options));
	if (options.decimals !== undefined) panel.decimals(options.decimals);
	return placed(panel, options, "table");
}

export interface TableOptions extends PanelText {
	/** By column. */
	readonly units?: Readonly<Record<string, Unit>>;
	/** By column. */
	readonly states?: Readonly<Record<string, States>>;
	/** By column: where a click on it leads. */
	readonly links?: Readonly<Record<string, { readonly title: string; readonly url: string }>>;
}

export function table(options: TableOptions): Builder<Panel> {
	const panel = new TablePanelBuilder().filterable(true).showHeader(true);
	const columns = new Set([options.units, options.states, options.links].flatMap((part) => Object.keys(part ?? {})));
	for (const column of columns) {
		const properties: DynamicConfigValue[] = [];
		const unit = options.units?.[column];
		const states = options.states?.[column];
		const link = options.links?.[column];
		if (unit !== undefined) properties.push({ id: "unit", value: unit });
		if (states !== undefined) {
			properties.push({ id: "mappings", value: mappingsOf(states) });
			properties.push({ id: "custom.cellOptions", value: { type: "color-text" } });
		}
		if (link !== undefined) properties.push({ id: "links", value: [link satisfies Partial<DashboardLink>] });
		panel.overrideByName(column, properties);
	}
	return placed(panel, options, "table");
}

export interface StateTimelineOptions extends PanelText {
	readonly states: States;
}

/** States over time; values are the numbers that `states` explains. */
export function stateTimeline(options: StateTimelineOptions): Builder<Panel> {
	const panel = new StateTimelinePanelBuilder()
		.mappings(mappingsOf(options.states))
		.fillOpacity(70)
		.lineWidth(0)
		.legend(
			new VizLegendOptionsBuilder()
				.displayMode(LegendDisplayMode.List)
				.placement(LegendPlacement.Bottom)
				.showLegend(false),
		);
	return placed(panel, options, "timeseries");
}

type AnyPanelBuilder = StatPanelBuilder | StateTimelinePanelBuilder | TablePanelBuilder | TimeSeriesPanelBuilder;

function placed(panel: AnyPanelBuilder, text: PanelText, shape: "timeseries" | "table"): Builder<Panel> {
	return panel
		.title(text.title)
		.description(text.description)
		.datasource(CHOSEN_SOURCE)
		.span(text.width)
		.height(text.height ?? 8)
		.withTarget(new ClickHouseQuery(text.sql, shape));
}

function mappingsOf(states: States = {}): ValueMapping[] {
	const options = Object.entries(states).map(([value, state], index) => [value, { ...state, index }]);
	return options.length === 0 ? [] : [{ type: MappingType.ValueToText, options: Object.fromEntries(options) }];
}

function thresholds({ badFrom, badUpTo }: StatOptions): Builder<ThresholdsConfig> {
	const steps =
		badFrom !== undefined
			? [
					{ value: null, color: "green" },
					{ value: badFrom, color: "red" },
				]
			: badUpTo !== undefined
				? [
						{ value: null, color: "red" },
						{ value: badUpTo, color: "green" },
					]
				: [{ value: null, color: "text" }];
	return plain({ mode: ThresholdsMode.Absolute, steps });
}
