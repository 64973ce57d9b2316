use greenroom::Node;

#[greenroom::main(node = build())]
async fn main() {}

async fn build() -> Node {
    Node::local()
}
