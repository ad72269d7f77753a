/// The example experiments, embedded so that `haggle demo` needs no file beside the binary.
package enum ExampleExperiments {
    /// The experiment of the demo.
    package static var shopDemo: String { String(decoding: PackageResources.shop_demo_yaml, as: UTF8.self) }
}
