/** Full semantic versions without `v` and without build metadata; parts that JavaScript's numbers hold exactly. */
const VERSION =
	/^(0|[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,14})(?:-((?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*))?$/;

/** flagd's JavaScript evaluator reads 256 characters, three of which its guard takes. */
const MAX_VERSION_LENGTH = 253;

interface Version {
	readonly parts: readonly number[];
	/** Empty for a release. */
	readonly identifiers: readonly string[];
}

/** Test of values against comparators as `>=1.2.0 <2.0.0`, by the precedence of Semantic Versioning 2.0.0 §11. */
export function isInVersionRange(range: string): (value: unknown) => boolean {
	const comparators = range.split(" ").map((text) => {
		const [, operator = "", version = ""] = /^([<>=]+)(.*)$/.exec(text) ?? [];
		return { operator, version: parseVersion(version) };
	});
	return (value) => {
		const found = parseVersion(value);
		if (found === undefined) return false;
		for (const { operator, version } of comparators) {
			if (version === undefined || !holds(compareVersions(found, version), operator)) return false;
		}
		return true;
	};
}

function parseVersion(value: unknown): Version | undefined {
	if (typeof value !== "string" || value.length > MAX_VERSION_LENGTH) return undefined;
	const match = VERSION.exec(value);
	if (match === null) return undefined;
	return { parts: match.slice(1, 4).map(Number), identifiers: match[4]?.split(".") ?? [] };
}

function holds(order: number, operator: string): boolean {
	if (operator === ">=") return order >= 0;
	if (operator === ">") return order > 0;
	if (operator === "<=") return order <= 0;
	if (operator === "<") return order < 0;
	return order === 0;
}

/** Negative, zero or positive. */
function compareVersions(a: Version, b: Version): number {
	for (let index = 0; index < 3; index++) {
		const difference = a.parts[index]! - b.parts[index]!;
		if (difference !== 0) return difference;
	}
	// A release comes after all its pre-releases.
	if (a.identifiers.length === 0 || b.identifiers.length === 0) return b.identifiers.length - a.identifiers.length;
	const common = Math.min(a.identifiers.length, b.identifiers.length);
	for (let index = 0; index < common; index++) {
		const difference = compareIdentifiers(a.identifiers[index]!, b.identifiers[index]!);
		if (difference !== 0) return difference;
	}
	return a.identifiers.length - b.identifiers.length;
}

/** Numbers by value and before texts, texts by ASCII. */
function compareIdentifiers(a: string, b: string): number {
	const areNumbers = [a, b].map((identifier) => /^[0-9]+$/.test(identifier));
	if (areNumbers[0] && areNumbers[1]) return a.length === b.length ? order(a, b) : a.length - b.length;
	if (areNumbers[0] !== areNumbers[1]) return areNumbers[0] ? -1 : 1;
	return order(a, b);
}

function order(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
