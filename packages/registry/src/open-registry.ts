import type { Registry } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";

/** Opens the repository whose top folder (or bare git folder) is `directory`. */
export async function openRegistry(directory: string): Promise<Registry> {
	throw new RegistryError("NO_REPOSITORY", `not written yet: ${directory}`);
}
