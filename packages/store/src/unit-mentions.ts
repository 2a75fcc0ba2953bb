/** Shorter ids are only compared as whole values: "7" stands in every other text. */
const SHORTEST_WORD = 4;

/**
 * SQL of an Array(String) with every text that a column of this type holds; `undefined` when it holds none.
 * Numbers, times and UUIDs are no text: an id is one only by accident.
 */
export function textsOf(column: string, type: string): string | undefined {
	const name = `\`${column}\``;
	const bare = type.replaceAll(/LowCardinality\((\w+)\)/g, "$1");
	if (/^(Nullable\()?(String|FixedString\(\d+\))\)?$/.test(bare)) {
		return `[ifNull(toString(${name}), '')]`;
	}
	if (bare === "Map(String, String)") {
		return `arrayConcat(${textsOfMap(name)})`;
	}
	if (bare === "Array(String)") {
		return `arrayMap(text -> toString(text), ${name})`;
	}
	if (bare === "Array(Map(String, String))") {
		return `arrayFlatten(arrayMap(map -> arrayConcat(${textsOfMap("map")}), ${name}))`;
	}
	return undefined;
}

function textsOfMap(map: string): string {
	return `arrayMap(text -> toString(text), mapKeys(${map})), mapValues(${map})`;
}

/** Condition that one of the texts is, or mentions, a unit; parameters `ids` and `pattern`. */
export function mentionsInRow(texts: readonly string[]): string {
	return texts
		.map(
			(expression) =>
				`arrayExists(text -> text IN {ids:Array(String)} OR ({pattern:String} != '' AND match(text, {pattern:String})), ${expression})`,
		)
		.join(" OR ");
}

/** A pattern (RE2) of the ids as words of their own, plain, in JSON or in a URL; '' when all of them are too short. */
export function mentionPattern(ids: readonly string[]): string {
	const words = ids
		.filter((id) => [...id].length >= SHORTEST_WORD)
		.flatMap((id) => [id, JSON.stringify(id).slice(1, -1), id.isWellFormed() ? encodeURIComponent(id) : id]);
	if (words.length === 0) {
		return "";
	}
	const alternatives = [...new Set(words)].map((word) => word.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
	return `(?s)(?:^|[^\\pL\\pN_-])(?:${alternatives.join("|")})(?:$|[^\\pL\\pN_-])`;
}
