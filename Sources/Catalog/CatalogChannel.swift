/// The channels on which changes of the catalog are told; the payload is the experiment's key.
package enum CatalogChannel {
    /// A version was applied, or the kill switch was turned.
    package static let experiments = "haggle_experiments"
    /// An API key was made or revoked; the payload is its id.
    package static let keys = "haggle_keys"
    /// A serving snapshot was published.
    package static let snapshots = "haggle_snapshots"
}
