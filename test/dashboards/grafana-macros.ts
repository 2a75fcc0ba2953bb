/** What Grafana and its ClickHouse data source make of a statement before it is sent. */
export interface QueryContext {
	readonly from: Date;
	readonly to: Date;
	/** Width of a point, in seconds. */
	readonly intervalSeconds: number;
	readonly variables: Readonly<Record<string, string | readonly string[]>>;
}

type Macro = (context: QueryContext, argumentsText: string | undefined) => string;

const unixSeconds = (date: Date) => Math.floor(date.getTime() / 1000);
const dateTime = (date: Date) => `toDateTime(${unixSeconds(date)})`;
const dateTime64 = (date: Date) => `fromUnixTimestamp64Milli(${date.getTime()})`;
const calendarDay = (date: Date) => `toDate('${date.toISOString().slice(0, 10)}')`;
const seconds = ({ intervalSeconds }: QueryContext) => Math.floor(Math.max(intervalSeconds, 1));

const column = (name: string, text: string | undefined): string => {
	// Its older versions end the arguments at the first closing parenthesis.
	if (text === undefined || text.trim() === "" || /[(),]/.test(text)) {
		throw new Error(`$__${name} takes one column, not ${JSON.stringify(text)}`);
	}
	return text;
};
const range =
	(name: string, ends: (date: Date) => string): Macro =>
	(context, text) => {
		const of = column(name, text);
		return `${of} >= ${ends(context.from)} AND ${of} <= ${ends(context.to)}`;
	};

/** As documented by the data source (README, pkg/macros), by name without `$__`. */
const MACROS: Readonly<Record<string, Macro>> = {
	fromTime: ({ from }) => dateTime(from),
	toTime: ({ to }) => dateTime(to),
	fromTime_ms: ({ from }) => dateTime64(from),
	toTime_ms: ({ to }) => dateTime64(to),
	timeFilter: range("timeFilter", dateTime),
	timeFilter_ms: range("timeFilter_ms", dateTime64),
	dateFilter: range("dateFilter", calendarDay),
	timeInterval: (context, text) =>
		`toStartOfInterval(toDateTime(${column("timeInterval", text)}), INTERVAL ${seconds(context)} second)`,
	timeInterval_ms: (context, text) =>
		`toStartOfInterval(toDateTime64(${column("timeInterval_ms", text)}, 3), INTERVAL ${seconds(context) * 1000} millisecond)`,
	interval_s: (context) => String(seconds(context)),
};

/** Variables first, by Grafana; then macros, by the data source's backend. */
export function expand(sql: string, context: QueryContext): string {
	const replaced = sql.replace(/\$\{(\w+)(?::(\w+))?\}|\$(?!__)(\w+)/g, (_, braced, format, bare) => {
		const name: string = braced ?? bare;
		const value = context.variables[name];
		if (value === undefined) throw new Error(`no variable ${name}`);
		if (format !== "sqlstring") throw new Error(`variable ${name} stands unquoted in a statement`);
		const values = typeof value === "string" ? [value] : value;
		return values.map((one) => `'${one.replaceAll("'", "''")}'`).join(",");
	});
	return replaced.replace(/\$__(\w+)(?:\(([^()]*)\))?/g, (whole, name: string, text: string | undefined) => {
		const macro = MACROS[name];
		if (macro === undefined) throw new Error(`unknown macro ${whole}`);
		// A macro without arguments may stand before a parenthesis of the statement.
		const takesNone = macro.length < 2;
		return takesNone && text !== undefined ? `${macro(context, undefined)}(${text})` : macro(context, text);
	});
}
