import { createHmac } from "node:crypto";
import { type ForgottenUnit, openStore, type StoreOptions } from "@armspan/store";

export interface ForgetOptions {
	store: StoreOptions;
	/** As the application gives it, or the HMAC that left it. */
	unitId: string;
	/** Key under which applications hash unit ids; then the hashed id is erased, too. */
	unitKey?: string | undefined;
	actor: string;
	/** As in `Store.forgetUnit`. */
	dryRun?: boolean | undefined;
	everywhere?: boolean | undefined;
}

/**
 * Erases a unit from an evidence store that no service has open (a server's may be in use).
 * @throws {StoreError}
 */
export async function forgetUnit({
	store: options,
	unitId,
	unitKey,
	actor,
	dryRun,
	everywhere,
}: ForgetOptions): Promise<ForgottenUnit> {
	const store = await openStore(options);
	try {
		await store.migrate();
		const hashed = unitKey === undefined ? [] : [createHmac("sha256", unitKey).update(unitId, "utf8").digest("hex")];
		return await store.forgetUnit({
			...{ unitIds: [unitId, ...hashed], actor },
			...(dryRun === undefined ? {} : { dryRun }),
			...(everywhere === undefined ? {} : { everywhere }),
		});
	} finally {
		await store.close();
	}
}
