/// The channels on which changes of the catalog are told; the payload is the experiment's key.
package enum CatalogChannel {
    /// A version was applied, or the kill switch was turned.
    package static let experiments = "haggle_experiments"
    /// A serving snapshot was published.
    package static let snapshots = "haggle_snapshots"
}
