mod model;
mod nodes;
mod pure;
