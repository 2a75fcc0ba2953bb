import { RegistryError } from "./registry-error.ts";

/** Writes, commits and tags a starter repository, ready to run. */
export async function initRepository(
	directory: string,
	_options: { readonly author?: { readonly name: string; readonly email: string } } = {},
): Promise<{ files: string[] }> {
	throw new RegistryError("GIT_FAILED", `not written yet: ${directory}`);
}
