import { expect, it } from "vitest";
import { revisionRefusal } from "./revision-rule.ts";

const at = (revision: number, content = "") => ({ revision, routingDigest: `${revision}${content}` });
const record = { fromRevision: 7, toRevision: 5, routingDigest: "5", reason: "worse", by: "ann" };
const untrusted = { code: "ROLLBACK_INVALID", fix: "not signed" } as const;

it.each([
	["the first one", at(3), undefined, undefined, undefined],
	["a newer one", at(8), at(7), undefined, undefined],
	["the same bytes", at(7), at(7), undefined, undefined],
	["an older one", at(6), at(7), undefined, "REVISION_NOT_HIGHER"],
	["other bytes under the same revision", at(7, "x"), at(7), undefined, "REVISION_NOT_HIGHER"],
	["the older one that the record names", at(5), at(7), record, undefined],
	["it, at a reader that is behind", at(5), at(6), record, undefined],
	["it, at the start", at(5), undefined, record, undefined],
	["it, at a reader beyond what was gone back from", at(5), at(8), record, "REVISION_NOT_HIGHER"],
	["other bytes than the record names", at(5, "x"), at(7), record, "REVISION_ROLLED_BACK"],
	["what was gone back from", at(7), at(5), record, "REVISION_ROLLED_BACK"],
	["what was gone back from, at the start", at(6), undefined, record, "REVISION_ROLLED_BACK"],
	["what is in use, when the record comes before the file", at(7), at(7), record, undefined],
	["a revision above the record", at(8), at(5), record, undefined],
	["a newer one beside a record without trust", at(8), at(7), untrusted, undefined],
	["an older one beside a record without trust", at(5), at(7), untrusted, "ROLLBACK_INVALID"],
] as const)("%s", (_, next, current, rollback, expected) => {
	expect(revisionRefusal(next, current, rollback)?.code).toBe(expected);
});
