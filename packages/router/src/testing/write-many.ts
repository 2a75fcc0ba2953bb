// Writes revisions from..to, one after the other; prints the revisions that were refused as too low.
import { writeBundle } from "../adapters/write-bundle.ts";
import { compileBundle } from "../compile-bundle.ts";
import { RouterError } from "../errors.ts";
import { sampleInput } from "./sample-input.ts";

const [directory = "", from = "", to = "", step = "1"] = process.argv.slice(2);
for (let revision = Number(from); revision <= Number(to); revision += Number(step)) {
	try {
		await writeBundle(directory, compileBundle(sampleInput({ revision })));
	} catch (error) {
		if (!(error instanceof RouterError) || error.code !== "REVISION_NOT_HIGHER") throw error;
	}
}
