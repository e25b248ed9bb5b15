/** Types of fields, variables and typedefs. */
import { describe, expect, it } from "vitest";
import { globals, structs } from "./show.js";

describe("a struct", () => {
  it("lists its fields with their types", () => {
    expect(
      structs(
        "struct foo {\n\tspinlock_t lock;\n\tstruct mutex m, *mp;\n\tconst char __user *p;\n\tunsigned long f:3;\n\tu8 a[4];\n\tvoid (*cb)(int);\n};",
      ),
    ).toEqual([
      "foo { spinlock_t lock; mutex m [Struct]; mutex mp [Struct Pointer]; char p [Pointer Const]; long f; u8 a [Array]; void cb [Pointer FunctionPointer] }",
    ]);
  });

  it("takes in the members of anonymous structs and unions", () => {
    expect(structs("struct foo { union { int a; struct { u8 b; } __packed; }; int c; };")).toEqual([
      "foo { int a; u8 b; int c }",
    ]);
  });

  it("names the type of a named anonymous member after both", () => {
    expect(structs("struct foo { struct { int q; } sub; };")).toEqual([
      "foo::sub { int q }",
      "foo { foo::sub sub [Struct] }",
    ]);
  });

  it("records a tagged struct inside it on its own", () => {
    expect(structs("struct foo { struct bar { int z; } *b; };")).toEqual([
      "bar { int z }",
      "foo { bar b [Struct Pointer] }",
    ]);
  });

  it("knows the macros that declare members", () => {
    expect(structs("struct foo { DECLARE_BITMAP(map, 8); struct_group(g, int a; int b; ); };")).toEqual([
      "foo { long map [Array]; int a; int b }",
    ]);
  });

  it("may have attributes between keyword and tag", () => {
    expect(
      structs("struct __attribute__((packed)) foo { int a; };\nstruct __aligned(8) bar { int b; };"),
    ).toEqual(["foo { int a }", "bar { int b }"]);
  });
});

describe("a typedef", () => {
  it("of an anonymous struct gives the struct its name", () => {
    expect(structs("typedef struct { int a; } foo_t;")).toEqual(["foo_t { int a }"]);
  });

  it("of a tag or a type is an alias, of a function pointer an alias of nothing", () => {
    expect(
      structs("typedef struct foo foo_t;\ntypedef unsigned int u32x;\ntypedef int (*fn_t)(void);"),
    ).toEqual(["typedef foo_t = foo", "typedef u32x = unsigned", "typedef fn_t = "]);
  });
});

describe("a global", () => {
  it("has a type and says how it is declared", () => {
    expect(globals("static struct foo *a, b[3];\nextern int c;\nvoid (*hook)(int);\nint f(void);")).toEqual([
      "foo a [Struct Pointer Static]",
      "foo b [Struct Array Static]",
      "int c [Extern]",
      "void hook [Pointer FunctionPointer]",
    ]);
  });

  it("keeps its name next to attributes", () => {
    expect(
      globals(
        "static int foo __read_mostly = 3;\nstatic const u8 tab[] __initconst = { 1 };\nstruct x __percpu *p;",
      ),
    ).toEqual(["int foo [Static]", "u8 tab [Array Static Const]", "x p [Struct Pointer]"]);
  });

  it("may be defined by a macro", () => {
    expect(
      globals(
        "static DEFINE_SPINLOCK(a);\nDEFINE_MUTEX(b);\nDEFINE_RAW_SPINLOCK(c);\nstatic DECLARE_RWSEM(d);\nDEFINE_RWLOCK(e);\nstatic DEFINE_PER_CPU(struct foo, f);\nDECLARE_PER_CPU(int, g);\nstatic DECLARE_WORK(w, work_fn);",
      ),
    ).toEqual([
      "spinlock_t a [Static]",
      "mutex b [Struct]",
      "raw_spinlock_t c",
      "rw_semaphore d [Struct Static]",
      "rwlock_t e",
      "foo f [Struct Static PerCpu]",
      "int g [Extern PerCpu]",
      "work_struct w [Struct Static]",
    ]);
  });
});
