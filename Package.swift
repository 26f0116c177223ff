// swift-tools-version: 6.1
import PackageDescription

// Set by launch/fuzz alone, to the folder of libFuzzer: adds `peqa-fuzz`, and has every module
// count the edges it takes and check the bounds that a release leaves out.
let fuzzer = Context.environment["PEQA_FUZZER"]
let fuzzing = ["-sanitize=fuzzer", "-assert-config", "Debug", "-enable-testing"]

// What `peqa --version` says: PEQA_COMMIT where it is set, else the commit of this checkout, else
// nothing. A "+" follows where files had been changed when the manifest was last read.
let commit =
  Context.environment["PEQA_COMMIT"]
  ?? Context.gitInformation.map {
    $0.currentCommit.prefix(12) + ($0.hasUncommittedChanges ? "+" : "")
  } ?? ""

// Targets stand in pipeline order: a target imports only what stands above it.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .unsafeFlags(["-warnings-as-errors"] + (fuzzer == nil ? [] : fuzzing)),
]

// `testing`: what only the tests take.
func module(
  _ name: String, _ dependencies: [Target.Dependency], testing: [Target.Dependency] = [],
  fixtures: Bool = false, readme: Bool = false
) -> [Target] {
  [
    .target(name: name, dependencies: dependencies, swiftSettings: strict),
    .testTarget(
      name: name + "Tests",
      dependencies: [.byName(name: name), "TestSupport"] + dependencies + testing,
      exclude: readme ? ["README.md"] : [],
      resources: fixtures ? [.copy("Fixtures")] : [], swiftSettings: strict),
  ]
}

let package = Package(
  name: "peqa",
  products: [.executable(name: "peqa", targets: ["peqa"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.4.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
  ],
  targets: [
    .systemLibrary(name: "CMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "CBuild", cSettings: [.define("PEQA_COMMIT", to: "\"\(commit)\"")]),
    .target(
      name: "CFiles",
      cSettings: [.unsafeFlags(["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror"])]),
    .target(
      name: "CKernels",
      cSettings: [
        // What is fused is written so: all tables round alike.
        .unsafeFlags([
          "-std=c17", "-O3", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-Wno-psabi",
        ])
      ]),
  ]
    + [
      .target(name: "ExitCodes", swiftSettings: strict),
      .target(
        name: "TestSupport", dependencies: ["Kernels"], path: "Tests/TestSupport",
        swiftSettings: strict),
    ]
    + module("Machine", [])
    + module("JSONText", [], testing: ["Kernels"])
    + module("Kernels", ["CKernels", "COpenBLAS"])
    + module("Collectives", ["Machine", "ExitCodes", "CMPI"], testing: ["Kernels"], readme: true)
    + module(
      "Checkpoints",
      [
        "CFiles", "ExitCodes", "JSONText", "CCrypto",
        .product(name: "SystemPackage", package: "swift-system"),
      ], testing: ["Kernels"], fixtures: true)
    + module("Reporting", ["ExitCodes", "JSONText", "Checkpoints"])
    + module("RunHistory", ["ExitCodes", "JSONText", "Checkpoints"])
    + module("RunViews", ["RunHistory", "Reporting", "JSONText"])
    + module("Reports", ["RunHistory", "Reporting", "JSONText"])
    + module(
      "Tokenization", ["ExitCodes", "JSONText", "Checkpoints"], testing: ["Kernels"], fixtures: true
    )
    + module(
      "ChatTemplates", ["ExitCodes", "JSONText"], testing: ["Tokenization", "Kernels"],
      fixtures: true)
    + module(
      "Quantization", ["ExitCodes", "Kernels", "Checkpoints"], testing: ["JSONText"], fixtures: true
    )
    + module(
      "QuantizedFormats", ["Quantization", "Checkpoints", "ExitCodes", "JSONText", "Kernels"])
    + module(
      "Datasets", ["ChatTemplates", "Tokenization", "ExitCodes", "JSONText", "Checkpoints"],
      testing: ["Kernels"])
    + module(
      "DecoderModel",
      [
        "Kernels", "Quantization", "QuantizedFormats", "Checkpoints", "ExitCodes", "JSONText",
      ],
      fixtures: true)
    + module(
      "Interchange",
      [
        "DecoderModel", "Tokenization", "Quantization", "QuantizedFormats", "Checkpoints",
        "ExitCodes", "JSONText", "Kernels",
      ], fixtures: true)
    + module(
      "Calibration",
      [
        "Interchange", "DecoderModel", "Quantization", "Collectives", "ExitCodes", "JSONText",
        "Kernels",
      ])
    + module(
      "Training",
      [
        "DecoderModel", "Datasets", "Collectives", "Quantization", "Checkpoints", "Reporting",
        "RunHistory", "Machine", "ExitCodes", "JSONText", "Kernels",
        .product(name: "Yams", package: "Yams"),
      ])
    + module(
      "Evaluation",
      [
        "Training", "DecoderModel", "Datasets", "ChatTemplates", "Tokenization", "Collectives",
        "Checkpoints", "ExitCodes", "Kernels", "JSONText",
      ],
      fixtures: true)
    + module(
      "Planning",
      [
        "Training", "Evaluation", "Interchange", "DecoderModel", "Quantization", "Checkpoints",
        "Reporting", "ExitCodes", "JSONText", "Kernels",
      ])
    + module(
      "ClusterDiagnosis",
      [
        "Planning", "Training", "Collectives", "Checkpoints", "Reporting", "ExitCodes", "JSONText",
      ])
    + module(
      "Sweeps",
      [
        "Training", "RunHistory", "Checkpoints", "Reporting", "ExitCodes", "JSONText", "Kernels",
        .product(name: "SystemPackage", package: "swift-system"),
      ])
    + [
      .executableTarget(
        name: "peqa",
        dependencies: [
          "Sweeps", "RunViews", "RunHistory", "ClusterDiagnosis", "Planning", "Training",
          "Evaluation", "Calibration", "Interchange",
          "DecoderModel", "Datasets", "ChatTemplates", "Tokenization", "Collectives",
          "Quantization", "Checkpoints",
          "Reporting", "Reports", "Machine", "ExitCodes", "JSONText", "Kernels", "CBuild",
          .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        swiftSettings: strict),
      .testTarget(
        name: "peqaTests",
        dependencies: [
          "peqa", "Training", "Planning", "Reporting", "JSONText", "Kernels", "TestSupport",
        ],
        swiftSettings: strict),
      .testTarget(
        name: "EndToEndTests", dependencies: ["JSONText", "Checkpoints", "Kernels", "TestSupport"],
        exclude: ["golden_losses.txt"], swiftSettings: strict),
      // Built with every test, so that searches keep up with the parsers; FuzzTests tries a few
      // inputs.
      .target(
        name: "FuzzTargets",
        dependencies: [
          "Sweeps", "Planning", "Training", "DecoderModel", "Quantization", "Datasets",
          "ChatTemplates", "Tokenization", "Collectives", "Checkpoints", "JSONText",
        ], path: "Tests/Fuzz/Targets", swiftSettings: strict),
      .testTarget(
        name: "FuzzTests", dependencies: ["FuzzTargets", "TestSupport", "Kernels"],
        swiftSettings: strict),
    ] + (fuzzer.map(fuzzProgram) ?? [])
)

// Set by launch/fuzz for sanitizers, which look at the C code of the kernels: nothing else is
// built.
if Context.environment["PEQA_KERNELS_ALONE"] != nil {
  let kept = ["CKernels", "COpenBLAS", "Kernels", "KernelsTests"]
  package.targets.removeAll { !kept.contains($0.name) }
  package.products = []
  package.dependencies = []
}

func fuzzProgram(libraries: String) -> [Target] {
  [
    .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .executableTarget(
      name: "peqa-fuzz", dependencies: ["CFuzzer", "FuzzTargets"],
      path: "Tests/Fuzz/Program", swiftSettings: strict,
      linkerSettings: [.unsafeFlags(["-L", libraries])]),
  ]
}
