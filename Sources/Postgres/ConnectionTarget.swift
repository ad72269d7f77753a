/// Where a database is: a URL (`postgresql://user@host/database?sslmode=verify-full`) or `key=value` pairs, as libpq reads them. TLS,
/// passwords, several hosts and everything else that libpq can be told is told here or in libpq's environment variables.
package struct ConnectionTarget: Hashable, Sendable {
    package var url: String

    package init(url: String) { self.url = url }
}

extension ConnectionTarget: CustomStringConvertible, CustomDebugStringConvertible {
    /// Nothing, since a connection string may hold a password.
    package var description: String { "ConnectionTarget" }
    package var debugDescription: String { description }
}
