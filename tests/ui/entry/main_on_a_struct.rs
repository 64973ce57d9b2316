#[greenroom::main]
struct App;
