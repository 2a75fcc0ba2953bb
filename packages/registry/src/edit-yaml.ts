import { isDeepStrictEqual } from "node:util";
import { type Document, isMap, isNode, isScalar, type Node, parseDocument, type ToStringOptions, visit } from "yaml";

/**
 * Text of the document after the edit, with comments and layout as their author wrote them under every
 * top-level key that the edit did not reach; the very same text when the edit changes nothing.
 * @param document what `text` was parsed to; the edit changes it
 */
export function editYaml(document: Document, text: string, edit: (document: Document) => void): string {
	const style = writingStyle(document, text);
	const untouched = document.toString(style);
	edit(document);
	quoteBlankBlocks(document);
	const edited = document.toString(style);
	if (edited === untouched) return text;
	if (untouched === text) return edited;
	// Writing a document out reflows all of it; only what the edit did is to be seen in the diff.
	const spliced = splice(text, edited);
	return spliced !== undefined && isSame(parse(spliced), document, style) ? spliced : edited;
}

/** A text of white space alone that takes the place of a block is written as a block, and reads as nothing. */
function quoteBlankBlocks(document: Document): void {
	visit(document, {
		Scalar(_, node) {
			const isBlock = node.type === "BLOCK_FOLDED" || node.type === "BLOCK_LITERAL";
			if (isBlock && typeof node.value === "string" && node.value.trim() === "") node.type = "QUOTE_DOUBLE";
		},
	});
}

/** Same values, same comments; blank lines may differ. */
function isSame(a: Document, b: Document, style: ToStringOptions): boolean {
	const [textOfA, textOfB] = [a, b].map((document) => document.toString(style).replace(/\n\s*\n/g, "\n"));
	return textOfA === textOfB && isDeepStrictEqual(a.toJS(), b.toJS());
}

/** The style that gives the file back as its author wrote it, if there is one. */
function writingStyle(document: Document, text: string): ToStringOptions {
	const styles = [2, 4].flatMap((indent) =>
		[true, false].flatMap((indentSeq) =>
			[false, true].map((flowCollectionPadding) => ({ lineWidth: 0, indent, indentSeq, flowCollectionPadding })),
		),
	);
	return styles.find((style) => document.toString(style) === text) ?? styles[0]!;
}

interface Section {
	/** From the key to the next one, so with the comments in between. */
	readonly text: string;
	readonly value: unknown;
	/** Where a scalar's value stands in the text. */
	readonly scalarRange: readonly [number, number] | undefined;
}

/** The edited document, each section that says the same as before in its old text. */
function splice(before: string, after: string): string | undefined {
	const old = sections(before);
	const changed = sections(after);
	if (!old || !changed) return undefined;
	const parts = [...changed.sections].map(([key, section]) => {
		const previous = old.sections.get(key);
		if (!previous) return section.text;
		if (isDeepStrictEqual(previous.value, section.value)) return previous.text;
		if (!previous.scalarRange || !section.scalarRange) return section.text;
		const [start, end] = previous.scalarRange;
		return previous.text.slice(0, start) + section.text.slice(...section.scalarRange) + previous.text.slice(end);
	});
	return [old.preamble, ...parts].reduce((all, part) => (all === "" || all.endsWith("\n") ? all : `${all}\n`) + part);
}

function sections(text: string): { preamble: string; sections: Map<string, Section> } | undefined {
	const root = parse(text).contents;
	if (!isMap(root) || root.flow) return undefined;
	const starts: number[] = [];
	for (const { key } of root.items) {
		if (!isNode(key) || !key.range) return undefined;
		starts.push(key.range[0]);
	}
	const found = root.items.map(({ key, value }, i): [string, Section] => {
		const start = starts[i]!;
		const node = isNode(value) ? value : null;
		const end = starts[i + 1] ?? text.length;
		const scalarRange = scalarRangeOf(node, start);
		return [String(key), { text: text.slice(start, end), value: node?.toJSON(), scalarRange }];
	});
	return { preamble: text.slice(0, starts[0] ?? text.length), sections: new Map(found) };
}

function scalarRangeOf(node: Node | null, offset: number): readonly [number, number] | undefined {
	// Block scalars take their indentation from the lines around them.
	if (!isScalar(node) || !node.range || node.type?.startsWith("BLOCK")) return undefined;
	return [node.range[0] - offset, node.range[1] - offset];
}

function parse(text: string): Document {
	return parseDocument(text, { version: "1.2", schema: "core", logLevel: "silent" });
}
