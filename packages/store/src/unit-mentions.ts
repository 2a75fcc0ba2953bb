/** Keys and columns that hold an id of somebody: `user.id`, `enduser_id`, `sessionId`, `email`, `unit_id`. */
const KEY_OF_ID =
	"(?:^|[._-])(?i:id|uid|uuid|guid|user|username|login|email|account|customer|session|subject)$|[a-z](?:Id|ID)$";
const COLUMN_OF_ID = /(?:_id|Id)$/;

/** SQL of Array(String). */
export interface ColumnTexts {
	/** Every text in the column. */
	texts: string;
	/** Those that may be an id as a whole; none when left out. */
	ids?: string;
}

/**
 * What a column of this type holds of texts; `undefined` when it holds none.
 * Numbers, times and UUIDs are no text: an id is one only by accident.
 */
export function textsOf(column: string, type: string): ColumnTexts | undefined {
	const name = `\`${column}\``;
	const bare = type.replaceAll(/LowCardinality\((\w+)\)/g, "$1");
	if (/^(Nullable\()?(String|FixedString\(\d+\))\)?$/.test(bare)) {
		const texts = `[ifNull(toString(${name}), '')]`;
		return COLUMN_OF_ID.test(column) ? { texts, ids: texts } : { texts };
	}
	if (bare === "Map(String, String)") {
		return { texts: `arrayConcat(${textsOfMap(name)})`, ids: idsOfMap(name) };
	}
	if (bare === "Array(String)") {
		return { texts: `arrayMap(text -> toString(text), ${name})` };
	}
	if (bare === "Array(Map(String, String))") {
		return {
			texts: `arrayFlatten(arrayMap(map -> arrayConcat(${textsOfMap("map")}), ${name}))`,
			ids: `arrayFlatten(arrayMap(map -> ${idsOfMap("map")}, ${name}))`,
		};
	}
	return undefined;
}

function textsOfMap(map: string): string {
	return `arrayMap(text -> toString(text), mapKeys(${map})), mapValues(${map})`;
}

function idsOfMap(map: string): string {
	return `arrayFilter((value, key) -> value != '' AND match(toString(key), '${KEY_OF_ID}'), mapValues(${map}), mapKeys(${map}))`;
}

/**
 * Condition that one of the columns mentions a unit; parameters `ids` and `pattern`.
 * Any id is one as the whole value of a key that holds ids; those of the pattern are, wherever they stand.
 */
export function mentionsInRow(columns: readonly ColumnTexts[]): string {
	const conditions = columns.flatMap(({ texts, ids }) => [
		...(ids === undefined ? [] : [`arrayExists(text -> text IN {ids:Array(String)}, ${ids})`]),
		`arrayExists(text -> {pattern:String} != '' AND match(text, {pattern:String}), ${texts})`,
	]);
	return `(${conditions.join(" OR ") || "false"})`;
}

/** Whether an id is so unlike a word that it means the unit wherever it stands: "chat" and "production" are not. */
function isUnlikeWords(id: string): boolean {
	return [...id].length >= 8 && /[\p{Nd}@]/u.test(id);
}

/** A pattern (RE2) of ids unlike words, as words of their own, plain, in JSON or in a URL; '' when none is. */
export function mentionPattern(ids: readonly string[]): string {
	const words = ids
		.filter((id) => isUnlikeWords(id))
		.flatMap((id) => [id, JSON.stringify(id).slice(1, -1), id.isWellFormed() ? encodeURIComponent(id) : id]);
	if (words.length === 0) {
		return "";
	}
	const alternatives = [...new Set(words)].map((word) =>
		word.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&").replaceAll("\0", "\\x00"),
	);
	return `(?s)(?:^|[^\\pL\\pN_-])(?:${alternatives.join("|")})(?:$|[^\\pL\\pN_-])`;
}
