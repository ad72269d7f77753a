// swift-tools-version:6.3
// Haggle: contextual-bandit experiments for discounts. The module table in README.md says what each target is for.

import PackageDescription

/// One of our modules: its name is its folder under `Sources`, `imports` are ours, `outside` are products of other packages.
private func module(_ name: String, imports: [String] = [], outside: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: imports.map { .byName(name: $0) } + outside)
}

/// The tests of one module, in `Tests/<module>Tests`; `imports` are ours beside the module and `TestSupport`.
private func tests(of name: String, imports: [String] = [], outside: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: ([name, "TestSupport"] + imports).map { .byName(name: $0) } + outside,
        exclude: ["Evaluation", "EventLog", "Experiments", "NeuralNetwork", "Policies", "Reporting"].contains(name) ? ["Fixtures"] : [])
}

private let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
private let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
private let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "haggle",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "haggle", targets: ["haggle"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-numerics.git", from: "1.1.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache.git", from: "2.1.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    ],
    targets: [
        // C libraries, one shim each.
        .systemLibrary(
            name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas",
            providers: [.apt(["libopenblas-dev", "liblapacke-dev"]), .brew(["openblas"])]),
        .systemLibrary(
            name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),

        // `malloc` counted, for the benchmarks only; in C because Swift reserves that name.
        .target(name: "CAllocationCount"),

        // Layer 0: vocabulary, numbers, the database client, tables as files, the SQL itself.
        module("HaggleCore"),
        module(
            "HaggleMath", imports: ["COpenBLAS"],
            outside: [.product(name: "RealModule", package: "swift-numerics")]),
        module("Postgres", imports: ["CLibPQ"], outside: [logging]),
        module("Tabular", imports: ["CZlib"]),
        .target(name: "HaggleSQL", path: "sql", resources: [.embedInCode("migrations")]),
        .target(
            name: "ExampleExperiments", path: "experiments",
            exclude: ["checkout-discount.yaml", "fee-rate-offer.yaml", "member-promotion.yaml"],
            resources: [.embedInCode("shop-demo.yaml")]),

        // Layer 1.
        module("Features", imports: ["HaggleCore", "HaggleMath"]),
        module("NeuralNetwork", imports: ["HaggleMath"]),
        module("Evaluation", imports: ["HaggleCore", "HaggleMath"]),

        // Layer 2.
        module("Policies", imports: ["HaggleCore", "HaggleMath", "Features", "NeuralNetwork"]),
        module("Experiments", imports: ["HaggleCore"], outside: [.product(name: "Yams", package: "Yams")]),
        module("EventLog", imports: ["HaggleCore", "Postgres", "Tabular"], outside: [logging]),
        module(
            "Catalog", imports: ["HaggleCore", "Postgres"],
            outside: [.product(name: "Crypto", package: "swift-crypto"), logging]),
        module(
            "Reporting", imports: ["HaggleCore", "Evaluation"],
            outside: [.product(name: "Mustache", package: "swift-mustache")]),
        module("Simulation", imports: ["HaggleCore", "HaggleMath"]),

        // Layer 3.
        module("Serving", imports: ["HaggleCore", "Features", "Policies", "Experiments"]),
        module(
            "Learning",
            imports: [
                "HaggleCore", "HaggleMath", "Features", "NeuralNetwork", "Policies", "Evaluation", "EventLog", "Catalog",
                "Postgres",
            ],
            outside: [logging, lifecycle]),

        module(
            "Training",
            imports: ["HaggleCore", "HaggleMath", "Features", "NeuralNetwork", "Policies", "Evaluation", "Reporting"]),

        module(
            "Analysis", imports: ["HaggleCore", "Postgres", "Evaluation", "Policies", "EventLog", "Catalog", "Reporting"]),

        // Layer 4.
        module(
            "HaggleServer",
            imports: [
                "HaggleCore", "HaggleMath", "HaggleSQL", "Postgres", "Evaluation", "Policies", "Experiments", "EventLog",
                "Catalog", "Reporting", "Serving", "Learning", "Analysis",
            ],
            outside: [
                .product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                logging, metrics, lifecycle, .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        module(
            "Workbench",
            imports: [
                "HaggleCore", "HaggleMath", "HaggleSQL", "Postgres", "Tabular", "Features", "NeuralNetwork", "Evaluation",
                "Policies", "Experiments", "EventLog", "Catalog", "Reporting", "Simulation", "Serving", "Learning", "Training", "Analysis",
            ],
            outside: [
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                logging,
            ]),

        // Layer 5.
        .executableTarget(
            name: "haggle",
            dependencies: [
                "HaggleCore", "HaggleMath", "HaggleSQL", "ExampleExperiments", "Postgres", "Evaluation", "Policies", "Experiments",
                "EventLog", "Catalog", "Reporting", "Simulation", "Serving", "Learning", "Training", "Analysis", "HaggleServer",
                "Workbench",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                logging, lifecycle,
            ]),

        .executableTarget(
            name: "haggle-bench",
            dependencies: [
                "CAllocationCount", "HaggleCore", "HaggleMath", "HaggleSQL", "Postgres", "NeuralNetwork", "Policies", "EventLog",
                "Catalog", "Serving", "Learning", "HaggleServer", logging,
            ]),

        // Tests: `TestSupport` holds what several of them share.
        .target(
            name: "TestSupport", dependencies: ["HaggleCore", "HaggleMath", "HaggleSQL", "Postgres"], path: "Tests/TestSupport"),
        tests(of: "HaggleCore"),
        tests(of: "HaggleMath"),
        tests(of: "Postgres", imports: ["HaggleCore"], outside: [logging]),
        tests(of: "Tabular"),
        tests(of: "Features", imports: ["HaggleCore", "HaggleMath"]),
        tests(of: "NeuralNetwork", imports: ["HaggleMath"]),
        tests(of: "Evaluation", imports: ["HaggleCore", "HaggleMath"]),
        tests(of: "Policies", imports: ["HaggleCore", "HaggleMath", "Features", "NeuralNetwork"]),
        tests(of: "Experiments", imports: ["HaggleCore"]),
        tests(of: "EventLog", imports: ["HaggleCore", "HaggleMath", "HaggleSQL", "Postgres", "Tabular"], outside: [logging]),
        tests(of: "Catalog", imports: ["HaggleCore", "HaggleSQL", "Postgres"], outside: [logging]),
        tests(of: "Reporting", imports: ["HaggleCore", "Evaluation"]),
        tests(
            of: "Training",
            imports: ["HaggleCore", "HaggleMath", "NeuralNetwork", "Policies", "Evaluation", "Reporting"]),
        tests(of: "Simulation", imports: ["HaggleCore", "HaggleMath"]),
        tests(of: "Serving", imports: ["HaggleCore", "HaggleMath", "Features", "Policies", "Experiments"]),
        tests(
            of: "Analysis", imports: ["HaggleCore", "HaggleSQL", "Postgres", "EventLog", "Catalog", "Evaluation", "Reporting"],
            outside: [logging]),
        tests(
            of: "Learning",
            imports: [
                "HaggleCore", "HaggleMath", "HaggleSQL", "Postgres", "Features", "Evaluation", "Policies", "EventLog", "Catalog",
                "Simulation",
            ],
            outside: [logging]),
        tests(
            of: "HaggleServer",
            imports: ["HaggleCore", "HaggleSQL", "Postgres", "Experiments", "EventLog", "Catalog", "Policies", "Learning"],
            outside: [.product(name: "AsyncHTTPClient", package: "async-http-client"), logging]),
        tests(
            of: "Workbench",
            imports: [
                "HaggleCore", "HaggleMath", "HaggleSQL", "Postgres", "Evaluation", "EventLog", "Catalog", "Policies", "Experiments",
                "Reporting", "Serving", "Learning", "Tabular", "Features",
            ],
            outside: [logging]),
        .testTarget(name: "CommandLineTests", dependencies: ["haggle", "HaggleCore", "Postgres", "TestSupport"]),
        .testTarget(name: "StructureTests"),
    ],
    swiftLanguageModes: [.v6]
)

// One place for the settings, so that no target is forgotten.
for target in package.targets where target.type != .system {
    var settings: [SwiftSetting] = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .treatAllWarnings(as: .error),
        .treatWarning("DeprecatedDeclaration", as: .warning),
    ]
    if target.type != .test { settings.append(.strictMemorySafety()) }
    target.swiftSettings = settings
}
