import type { Store, StoreOptions } from "./store.ts";
import { StoreError } from "./store-error.ts";

export async function openStore(options: StoreOptions): Promise<Store> {
	throw new StoreError("STORE_UNAVAILABLE", `not yet: ${options.kind}`);
}
