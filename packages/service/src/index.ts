export { assertFolderUnlocked } from "@armspan/store";
export { type ForgetOptions, forgetUnit } from "./forget-unit.ts";
export { ServiceError, type ServiceErrorCode } from "./service-error.ts";
export { type Service, type ServiceOptions, startService } from "./start-service.ts";
