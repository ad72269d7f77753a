/// The database's schema, embedded into the binary: forward-only files under `migrations`, applied in the order of their names.
package enum HaggleSQL {
    /// Every migration, oldest first. A file is never edited after it was merged; a change is a new file.
    package static let migrations: [(name: String, sql: String)] = [
        ("V0001_event_log", String(decoding: PackageResources.V0001_event_log_sql, as: UTF8.self)),
        ("V0002_catalog", String(decoding: PackageResources.V0002_catalog_sql, as: UTF8.self)),
        ("V0003_reporting", String(decoding: PackageResources.V0003_reporting_sql, as: UTF8.self)),
        ("V0004_gate", String(decoding: PackageResources.V0004_gate_sql, as: UTF8.self)),
        ("V0005_warm_start", String(decoding: PackageResources.V0005_warm_start_sql, as: UTF8.self)),
        ("V0006_journal", String(decoding: PackageResources.V0006_journal_sql, as: UTF8.self)),
        ("V0007_api_keys", String(decoding: PackageResources.V0007_api_keys_sql, as: UTF8.self)),
        ("V0008_activation_expiry", String(decoding: PackageResources.V0008_activation_expiry_sql, as: UTF8.self)),
    ]
}
