/** A function as `system.functions` describes it. */
export interface EngineFunction {
	readonly name: string;
	/** Name of the function that it is another name of, or "". */
	readonly aliasOf: string;
	/** `System`, or who defined it. */
	readonly origin: string;
	readonly category: string;
	readonly isAggregate: boolean;
}

/** Table functions that read nothing but their arguments; lower case. */
export const ALLOWED_TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
	"numbers",
	"numbers_mt",
	"zeros",
	"zeros_mt",
	"generate_series",
	"generateseries",
	"values",
	"null",
	"view",
]);

/**
 * Categories of functions of their arguments alone. Not among them: `AI`, `Dictionary`, `Embedded Dictionary`,
 * `Internal`, `Introspection`, `Machine Learning`, which read what is outside of the evidence, call other programs or show
 * the inside of the server, and `Geo Polygon`, whose work is not bounded by its size.
 */
const ALLOWED_CATEGORIES: ReadonlySet<string> = new Set([
	...["Arithmetic", "Arrays", "Bit", "Bitmap", "Comparison", "Conditional", "Dates and Times", "Distance", "Encoding"],
	...["Encryption", "Financial", "Geo", "Hash", "IP Address", "JSON", "Logical", "Map", "Mathematical", "Null"],
	...["Nullable", "Random Number", "Rounding", "String", "String Replacement", "String Search", "String Splitting"],
	...["Time Series", "Time Window", "Tuple", "Type Conversion", "URL", "UUID"],
]);

/** Categories into which engines put whatever has no other: of these, only what is listed. */
const MIXED_CATEGORIES: ReadonlySet<string> = new Set(["", "Other", "Unknown"]);

const HARMLESS = new Set(
	`array_remove array_to_string arrayauc arrayprauc bar byteslice bytesize cardinality casewithexpr casewithexpression
	casewithoutexpr casewithoutexpression ceiling char_length character_length concat_ws countdigits curdate current_database
	current_date current_timestamp currentdatabase date_bin date_diff date_format date_trunc datediff day dayofmonth dayofweek
	dayofyear defaultvalueofargumenttype defaultvalueoftypename digits distancecosine distancel1 distancel2 distancel2squared
	distancelinf distancelp extractallgroups finalizeaggregation flatten format_bytes formatreadabledecimalsize
	formatreadablequantity formatreadablesize formatreadabletimedelta from_base64 from_days from_unixtime from_utc_timestamp
	getsubcolumn hasalltoken hasanytoken hour identity ignore indexhint initializeaggregation instr isascii isconstant
	json_array_length jsonmergepatch last_day lcase levenshteindistance levenshteindistanceutf8 ln localtimestamp lpad ltrim
	mapcontains map_from_arrays mapfromstring materialize microsecond mid millisecond minsamplesizecontinous
	minsamplesizecontinuous minsamplesizeconversion minute mismatches mod modornull month nanosecond natural_sort_key neighbor
	octet_length parsereadablesize parsereadablesizeornull parsereadablesizeorzero parsetimedelta pmod positive_modulo power
	quarter rand32 regexp_extract regexp_instr regexp_matches regexp_replace regexp_substr removeaccentsutf8 replace
	rownumberinallblocks rownumberinblock rpad rtrim runningaccumulate runningdifference runningdifferencestartingwithfirstvalue
	scalarproduct second splitbyalpha sqid str_to_date str_to_map substr substring_index throwif time_bucket timestamp_diff
	timestampdiff timezoneof timezoneoffset to_base64 to_days to_unixtime to_utc_timestamp tocolumntypename totimezone
	totypename transform trim truncate ucase unnest utc_timestamp variantelement varianttype vectordifference vectorsum version
	visibleWidth week width_bucket year yearweek`
		.toLowerCase()
		.split(/\s+/),
);

/**
 * One call on two arrays that fit into memory keeps a core busy for hours, and nothing ends it: the engine looks at the
 * clock between blocks, and these square the length within one.
 */
const UNENDING =
	/^(?:array(?:levenshtein|similarity|reduceinranges|autocorrelation|shingles)|damerau|(?:byte)?hammingdistance$|jaro|series)/;

/** Whether a user's statement may call it: aggregates, and functions of their arguments alone. */
export function isAllowedFunction({ name, origin, category, isAggregate }: EngineFunction): boolean {
	if (origin !== "System") return false;
	const lower = name.toLowerCase();
	if (lower.startsWith("__") || UNENDING.test(lower) || /^(?:dict|joinget|sleep|file)/.test(lower)) return false;
	if (isAggregate) return true;
	return category
		.split(",")
		.map((one) => one.replaceAll(/['[\]]/g, "").trim())
		.every((one) => (MIXED_CATEGORIES.has(one) ? HARMLESS.has(lower) : ALLOWED_CATEGORIES.has(one)));
}
