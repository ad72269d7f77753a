/// The migrations of `sql/migrations`, embedded into the binary, in the order in which they apply.
package enum HaggleSQL {
    package static let migrations: [(name: String, sql: String)] = [
        (name: "V0001_x", sql: String(decoding: PackageResources.V0001_x_sql, as: UTF8.self))
    ]
}
